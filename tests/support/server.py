"""What the servers of the tests share: a thread each, on the loopback interface, with or without TLS."""

from __future__ import annotations

import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import trustme

CHUNK = 64 * 1024  # bytes sent or read at once
BROKEN = (ConnectionError, TimeoutError, ssl.SSLError)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the request's own thread, so that one silent client blocks nobody."""
        if self.tls is not None:
            with self.tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        else:
            super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are what many tests are about."""
        if not isinstance(sys.exc_info()[1], BROKEN):
            super().handle_error(request, client_address)


class QuietHandler(BaseHTTPRequestHandler):
    """A handler that logs nothing: what arrived is for the test to ask."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


class LoopbackServer:
    """A server that runs from entering its `with` block to leaving it."""

    handler: type[BaseHTTPRequestHandler]
    authority: trustme.CA | None
    host: str
    _server: _Server

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), self.handler)
        if self.authority is not None:
            self._server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.authority.issue_cert(self.host).configure_cert(self._server.tls)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port that the system gave."""
        return int(self._server.server_address[1])

    @property
    def base(self) -> str:
        """Address of the server: scheme, host, port."""
        return f"{'https' if self.authority is not None else 'http'}://{self.host}:{self.port}"
