"""A forward proxy on the loopback interface that says what passed through it."""

from __future__ import annotations

import base64
import http.client
import select
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import trustme

from tests.support.server import CHUNK, LoopbackServer, QuietHandler

HOP = {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "transfer-encoding"}


@dataclass
class ForwardProxy(LoopbackServer):
    """Forwards GET and HEAD with an absolute address, and CONNECT, while its `with` block runs.

    `routes` maps names that only this proxy knows to ports of the loopback interface. `user` and
    `password`: the proxy asks for basic auth. `passed` lists what went through, "GET address" and
    "CONNECT host:port"; `refused` counts requests without the right credentials.
    """

    routes: Mapping[str, int] = field(default_factory=dict)
    user: str = ""
    password: str = ""
    passed: list[str] = field(default_factory=list)
    refused: int = 0
    authority: trustme.CA | None = None
    host: str = "127.0.0.1"

    handler = property(lambda self: type("BoundProxyHandler", (_ProxyHandler,), {"proxy": self}))

    @property
    def url(self) -> str:
        """Address of the proxy, with its credentials if it asks for any."""
        credentials = f"{self.user}:{self.password}@" if self.user else ""
        return self.base.replace("://", f"://{credentials}")


class _ProxyHandler(QuietHandler, BaseHTTPRequestHandler):
    proxy: ForwardProxy  # HTTP/1.0: the end of the connection ends a body without length

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if not self._authorized():
            return
        self.proxy.passed.append(f"{self.command} {self.path}")
        address = urlsplit(self.path)
        host, port = self._route(address.hostname or "", address.port or 80)
        upstream = http.client.HTTPConnection(host, port, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            upstream.request(self.command, f"{address.path}?{address.query}".rstrip("?"), headers=headers)
            self._pass_back(upstream.getresponse())
        finally:
            upstream.close()

    def do_CONNECT(self) -> None:
        if not self._authorized():
            return
        self.proxy.passed.append(f"CONNECT {self.path}")
        host, _, port = self.path.rpartition(":")
        with socket.create_connection(self._route(host, int(port)), timeout=60) as upstream:
            self.send_response(200)
            self.end_headers()
            _relay(self.connection, upstream)
        self.close_connection = True

    def _authorized(self) -> bool:
        token = base64.b64encode(f"{self.proxy.user}:{self.proxy.password}".encode()).decode()
        if not self.proxy.user or self.headers["Proxy-Authorization"] == f"Basic {token}":
            return True
        self.proxy.refused += 1
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _route(self, host: str, port: int) -> tuple[str, int]:
        if host in self.proxy.routes:
            return "127.0.0.1", self.proxy.routes[host]
        return host, port

    def _pass_back(self, response: http.client.HTTPResponse) -> None:
        body = response.read()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _relay(client: socket.socket, upstream: socket.socket) -> None:
    """Carry bytes both ways until one side is done."""
    other = {client: upstream, upstream: client}
    while True:
        readable, _, _ = select.select([client, upstream], [], [], 60)
        for side in readable:
            data = side.recv(CHUNK)
            if not data:
                return
            other[side].sendall(data)
        if not readable:
            return
