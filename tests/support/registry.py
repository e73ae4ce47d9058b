"""An image registry on the loopback interface: takes what is pushed, gives it out, asks for a password."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import trustme

from tests.support.server import LoopbackServer, QuietHandler


@dataclass
class Registry(LoopbackServer):
    """Serves the protocol of image distribution while its `with` block lasts.

    `user` and `password`: who may do anything at all; nobody is asked when they are empty.
    """

    user: str = ""
    password: str = ""
    authority: trustme.CA | None = None
    host: str = "127.0.0.1"
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    handler = property(lambda self: type("BoundRegistryHandler", (_RegistryHandler,), {"registry": self}))

    @property
    def name(self) -> str:
        """What stands before the repository in the name of an image."""
        return urlsplit(self.base).netloc


class _RegistryHandler(QuietHandler, BaseHTTPRequestHandler):
    registry: Registry
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._get()

    def do_GET(self) -> None:
        self._get()

    def do_POST(self) -> None:
        self._body()
        if self._admitted():
            place = f"{urlsplit(self.path).path.rstrip('/')}/{os.urandom(4).hex()}"
            self._send(202, {"Location": place, "Range": "0-0"})

    def do_PATCH(self) -> None:
        content = self.registry.blobs.get(self.path, b"") + self._body()
        self.registry.blobs[self.path] = content
        self._send(202, {"Location": self.path, "Range": f"0-{len(content) - 1}"})

    def do_PUT(self) -> None:
        body = self._body()
        if not self._admitted():
            return
        if "/manifests/" in self.path:
            digest = self._keep_manifest(self.path.rpartition("/")[2], body)
        else:
            content = self.registry.blobs.pop(urlsplit(self.path).path, b"") + body
            digest = parse_qs(urlsplit(self.path).query)["digest"][0]
            self.registry.blobs[digest] = content
        self._send(201, {"Docker-Content-Digest": digest, "Location": self.path})

    def _keep_manifest(self, reference: str, body: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        for name in (reference, digest):
            self.registry.manifests[name] = (self.headers["Content-Type"], body)
        return digest

    def _get(self) -> None:
        self.registry.requests.append(self.path)
        if not self._admitted():
            return
        if self.path.rstrip("/") == "/v2":
            self._send(200, {})
        elif "/manifests/" in self.path:
            self._give(*self.registry.manifests.get(self.path.rpartition("/")[2], ("", None)))
        else:
            found = re.search(r"/blobs/(sha256:\w+)", self.path)
            self._give("application/octet-stream", self.registry.blobs.get(found[1]) if found else None)

    def _give(self, kind: str, content: bytes | None) -> None:
        if content is None:
            self._send(404, {})
            return
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self._send(200, {"Content-Type": kind, "Docker-Content-Digest": digest}, content)

    def _admitted(self) -> bool:
        token = base64.b64encode(f"{self.registry.user}:{self.registry.password}".encode()).decode()
        if not self.registry.user or self.headers["Authorization"] == f"Basic {token}":
            return True
        words = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]})
        self._send(401, {"WWW-Authenticate": 'Basic realm="registry"'}, words.encode())
        return False

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _send(self, status: int, headers: dict[str, str], content: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
