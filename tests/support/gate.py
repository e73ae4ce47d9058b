"""A way to a server that can be shut, and that can lose requests and answers."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Gate:
    """Passes connections on to `port` of the loopback interface while its `with` block runs.

    When it is shut, connections are cut and new ones refused. The first request that contains
    `lost_request` does not arrive; the first one that contains `lost_answer` arrives, but its answer is lost.
    """

    def __init__(self, port: int, *, lost_request: bytes = b"", lost_answer: bytes = b"") -> None:
        self.lost_request = lost_request
        self.lost_answer = lost_answer
        self._behind = ("127.0.0.1", port)
        self._port = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def base(self) -> str:
        """Address of the gate."""
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Let connections through."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        self._sockets.append(listener)
        self._start(self._accept, listener)

    def shut(self) -> None:
        """Cut all connections and refuse new ones."""
        while self._sockets:  # the listener first: nothing is added behind it
            end = self._sockets.pop(0)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
            end.close()
        while self._threads:
            self._threads.pop().join(10)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._behind)
                self._sockets += [near, far]
                self._start(self._ask, near, far)
                self._start(_pass, far, near)

    def _ask(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(65536):
                if self.lost_request and self.lost_request in data:
                    self.lost_request = b""
                    near.shutdown(socket.SHUT_RDWR)
                    break
                if self.lost_answer and self.lost_answer in data:
                    self.lost_answer = b""
                    near.shutdown(socket.SHUT_RDWR)  # the request still arrives, its answer finds nobody
                far.sendall(data)
        with suppress(OSError):
            far.shutdown(socket.SHUT_WR)


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
