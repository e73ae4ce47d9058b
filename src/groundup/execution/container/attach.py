"""The streams of a container: one connection that carries stdin there, and stdout and stderr back."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import stat
from collections.abc import Callable, Mapping
from typing import Any

from groundup.execution.streams import READ, Sink, Stdin, Streams
from groundup.execution.tree import split_stdin

_HEADER = 8  # bytes: the stream, three zeros, the length of what follows
_STDOUT, _STDERR = 1, 2
_PIECE = 2**16  # bytes of stdin that are read ahead


class Attached:
    """The connection to a container, made before that is started.

    :param wrapped: what the SDK's ``attach_socket`` returns.
    :ivar at_end: whether nothing will arrive any more.
    :ivar received: bytes that have arrived.
    """

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped
        self._socket: socket.socket = getattr(wrapped, "_sock", wrapped)
        self._socket.settimeout(None)
        self._writer: socket.socket | None = None
        self._buffer = bytearray(READ)
        self.at_end = False
        self.received = 0

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()
        response = getattr(self._wrapped, "_response", None)
        if response is not None:  # first: it flushes what it wraps
            response.close()
        self._wrapped.close()
        self._socket.close()

    def send(self, content: bytes) -> None:
        """Send what the container reads before its stdin."""
        self._socket.sendall(content)

    def end_stdin(self) -> None:
        """Let the container read to the end what it was sent."""
        with contextlib.suppress(OSError):  # it has ended
            self._socket.shutdown(socket.SHUT_WR)

    def read(self, streams: Streams, out: Sink, err: Sink) -> None:
        """Give the sinks what arrives from now on."""
        frames = Frames({_STDOUT: out, _STDERR: err})
        streams.watch(self._socket, lambda: self._receive(streams, frames))

    def write(self, streams: Streams, stdin: Stdin | None) -> None:
        """Send `stdin` as the container reads it."""
        self._writer = self._socket.dup()  # a selector knows each file once
        self._writer.setblocking(False)
        Inlet(streams, self._writer, stdin, self.end_stdin).go_on()

    def _receive(self, streams: Streams, frames: Frames) -> None:
        try:
            count = self._socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        except ConnectionError:
            count = 0
        self.received += count
        if count:
            frames.take(memoryview(self._buffer)[:count])
        else:
            streams.unwatch(self._socket)
            self.at_end = True


class Frames:
    """Takes apart what an engine sends: frames, each with a header that names the stream and a length."""

    def __init__(self, sinks: Mapping[int, Sink]) -> None:
        self._sinks = sinks
        self._header = b""
        self._sink: Sink | None = None
        self._left = 0

    def take(self, data: memoryview) -> None:
        """Take bytes as they arrive, cut anywhere."""
        while data:
            data = self._take_content(data) if self._left else self._take_header(data)

    def _take_content(self, data: memoryview) -> memoryview:
        part = data[: self._left]
        self._left -= len(part)
        if self._sink is not None:
            self._sink.take(part)
        return data[len(part) :]

    def _take_header(self, data: memoryview) -> memoryview:
        missing = _HEADER - len(self._header)
        self._header += bytes(data[:missing])
        if len(self._header) == _HEADER:
            self._sink = self._sinks.get(self._header[0])
            self._left = int.from_bytes(self._header[4:], "big")
            self._header = b""
        return data[missing:]


class Inlet:
    """Moves stdin into a connection, and reads only a little further than the other side does.

    :param writer: the connection; it does not block.
    :param end: called when there is no more to send.
    """

    def __init__(
        self, streams: Streams, writer: socket.socket, stdin: Stdin | None, end: Callable[[], None]
    ) -> None:
        self._streams, self._writer, self._end = streams, writer, end
        self._source, content = split_stdin(stdin)
        self._left = memoryview(content or b"")

    def go_on(self) -> None:
        """Send what is left, else fetch more, else say that there is no more."""
        if not self._left and self._source is not None and not _can_be_watched(self._source):
            self._load(self._source)
        if self._left:
            self._streams.watch(self._writer, self._send, selectors.EVENT_WRITE)
        elif self._source is not None:
            self._streams.watch(self._source, self._fetch)
        else:
            self._end()

    def _fetch(self) -> None:
        if self._source is not None:
            self._streams.unwatch(self._source)
            self._load(self._source)
            self.go_on()

    def _load(self, source: int) -> None:
        self._left = memoryview(os.read(source, _PIECE))
        if not self._left:
            self._source = None

    def _send(self) -> None:
        try:
            self._left = self._left[self._writer.send(self._left) :]
        except BlockingIOError:
            return
        except OSError:  # it does not want to read more
            self._left, self._source = memoryview(b""), None
        if not self._left:
            self._streams.unwatch(self._writer)
            self.go_on()


def _can_be_watched(source: int) -> bool:
    """Return whether a file says when it has something to read; a regular one always has."""
    mode = os.fstat(source).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(source)
