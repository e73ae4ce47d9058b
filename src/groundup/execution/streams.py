"""The pipes of a process: read and written in turn, so that none can block another."""

from __future__ import annotations

import array
import codecs
import fcntl
import os
import selectors
import socket
import termios
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, Self

from groundup.execution.capture import Captured

Callback = Callable[[str], None]
Stdin = str | bytes | IO[bytes]

READ = 2**19  # bytes that are read at once, and that a pipe is asked to hold
_WRITE = 2**16
_LONGEST = 2**20  # seconds; selectors cannot wait for any time


class Stopped(Exception):  # noqa: N818 - no error
    """A run is not wanted any more."""


class Streams:
    """What has to be moved while a process runs."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._sinks: dict[int, Sink] = {}
        self._sources: set[int] = set()
        self._buffer = bytearray(READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._selector.close()
        for descriptor in self._sources:
            os.close(descriptor)

    def watch(
        self, file: int | socket.socket, ready: Callable[[], None], events: int = selectors.EVENT_READ
    ) -> None:
        """Call `ready` whenever `file` has something to read, or is ready for other `events` of selectors."""
        self._selector.register(file, events, ready)

    def unwatch(self, file: int | socket.socket) -> None:
        """Watch `file` no more."""
        self._selector.unregister(file)

    def stop_at(self, descriptor: int) -> None:
        """Raise :class:`Stopped` from `pump` when `descriptor` has something to read."""
        self.watch(descriptor, _stop)

    def read(self, descriptor: int, sink: Sink) -> None:
        """Give `sink` what arrives at `descriptor` from now on."""
        self._sinks[descriptor] = sink
        self.watch(descriptor, lambda: self._receive(descriptor))

    def write(self, descriptor: int, content: bytes) -> None:
        """Send `content` to `descriptor` as it is read, then close it; it belongs to the streams from now."""
        self._sources.add(descriptor)
        os.set_blocking(descriptor, False)
        source = _Source(descriptor, content)
        self._selector.register(descriptor, selectors.EVENT_WRITE, lambda: self._send(source))

    def pump(self, done: Callable[[], bool], deadline: float | None, interval: float | None = None) -> bool:
        """Move data until `done`; return whether it became so before `deadline` (monotonic).

        :param interval: seconds after which `done` is asked again, where nothing that is watched tells.
        """
        while not done():
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                return False
            waits = [each for each in (remaining, interval) if each is not None]
            for key, _ in self._selector.select(min(*waits, _LONGEST) if waits else None):
                key.data()
        return True

    def drain(self) -> None:
        """Read what the pipes hold now, and no more: something outside the tree may write for ever."""
        for descriptor, sink in self._sinks.items():
            left = _available(descriptor)
            while left > 0:
                left -= sink.take(os.read(descriptor, min(left, READ)))
            sink.finish()

    def _receive(self, descriptor: int) -> None:
        count = os.readv(descriptor, [self._buffer])
        if count:
            self._sinks[descriptor].take(memoryview(self._buffer)[:count])
        else:
            self.unwatch(descriptor)

    def _send(self, source: _Source) -> None:
        if not source.send():
            self.unwatch(source.descriptor)
            self._sources.remove(source.descriptor)
            os.close(source.descriptor)


class _Source:
    """What stdin still has to get."""

    def __init__(self, descriptor: int, content: bytes) -> None:
        self.descriptor = descriptor
        self.left = memoryview(content)

    def send(self) -> bool:
        """Write what the pipe takes; return whether there is more to write."""
        try:
            self.left = self.left[os.write(self.descriptor, self.left[:_WRITE]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:  # it does not want to read more
            return False
        return bool(self.left)


class Sink:
    """Where the bytes of one stream go: they are captured, and handed on as text.

    :param callback: gets text, never split inside a character; bytes that are not UTF-8 are surrogates.
    :param captured: False to capture nothing.
    """

    def __init__(self, callback: Callback | None = None, *, capture: bool = True) -> None:
        self.captured = Captured()
        self._capture = capture
        self._callback = callback
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def take(self, data: bytes | memoryview) -> int:
        """Take `data`, of which nothing is kept; return its length."""
        if self._capture:
            self.captured.write(data)
        self._tell(data)
        return len(data)

    def finish(self) -> None:
        """Hand over what is left of a character that was cut off."""
        self._tell(b"", final=True)

    def _tell(self, data: bytes | memoryview, final: bool = False) -> None:
        if self._callback is not None:
            text = self._decoder.decode(data, final=final)
            if text:
                self._callback(text)


def _stop() -> None:
    raise Stopped


def _available(descriptor: int) -> int:
    """Return how many bytes a pipe holds at this moment."""
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]
