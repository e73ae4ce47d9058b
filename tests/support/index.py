"""A package index on the loopback interface: serves a folder of wheels, well or badly, and counts."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import trustme

from tests.support.server import CHUNK, LoopbackServer, QuietHandler

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Faults:
    """How answers are spoilt. Each applies to the next `times` answers, then all is well again."""

    times: int = 1_000_000
    status: int = 0  # answered instead of 200
    delay: float = 0.0  # seconds before the answer
    pause: float = 0.0  # seconds between two chunks of the body
    cut_after: int | None = None  # bytes of the body, after which the connection is closed
    endless: bool = False  # a body without length and without end
    content: bytes | None = None  # sent instead of the file's own


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    authorization: str | None
    user_agent: str | None
    range: str | None = None


@dataclass
class IndexServer(LoopbackServer):
    """Serves the wheels and source archives in `folder` under `/simple/`, while its `with` block lasts.

    `format`: "both" negotiates, "html" and "json" are forced. `hashes`: whether pages carry sha256.
    `user` and `password`: basic auth for pages and files. `authority` and `host`: TLS with a certificate
    of that authority. `files_at`: address of another server that pages link to for the files. `moved_to`:
    address of another server to which every request is redirected.
    `ranges`: which parts of files are given, "none", "all", or "front" for those that name the first byte.
    `pages` and `files` spoil answers.
    """

    folder: Path
    format: str = "both"
    hashes: bool = True
    user: str = ""
    password: str = ""
    authority: trustme.CA | None = None
    host: str = "127.0.0.1"
    files_at: str = ""
    moved_to: str = ""
    ranges: str = "none"
    pages: Faults = field(default_factory=Faults)
    files: Faults = field(default_factory=Faults)
    requests: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    handler = property(lambda self: type("BoundIndexHandler", (_IndexHandler,), {"index": self}))

    @property
    def url(self) -> str:
        """Address of the index, without credentials."""
        return f"{self.base}/simple/"

    @property
    def url_with_credentials(self) -> str:
        """Address of the index with user and password in it, quoted."""
        return self.url.replace("://", f"://{quote(self.user, safe='')}:{quote(self.password, safe='')}@")

    @property
    def counts(self) -> Counter[str]:
        """How often each path was asked for by GET."""
        return Counter(request.path for request in self.requests if request.method == "GET")

    def downloads(self, name: str) -> int:
        """Return how often a file of the distribution `name` was asked for."""
        prefix = f"/files/{name}-"
        return sum(count for path, count in self.counts.items() if path.startswith(prefix))

    def next_fault(self, faults: Faults) -> Faults:
        """Take one of the answers that `faults` has left to spoil; nothing is spoilt when none is left."""
        with self.lock:
            if faults.times <= 0:
                return Faults()
            faults.times -= 1
            return faults


class _IndexHandler(QuietHandler, BaseHTTPRequestHandler):
    index: IndexServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.index.requests.append(
            Request(
                self.command,
                path,
                self.headers["Authorization"],
                self.headers["User-Agent"],
                self.headers["Range"],
            )
        )
        if not self._authorized():
            self._send_empty(401, {"WWW-Authenticate": 'Basic realm="index"'})
        elif self.index.moved_to:
            self._send_empty(302, {"Location": self.index.moved_to + self.path})
        elif path.startswith("/simple/"):
            self._page(path)
        elif path.startswith("/files/"):
            self._file(path)
        else:
            self._send_empty(404)

    def _authorized(self) -> bool:
        if not self.index.user:
            return True
        token = base64.b64encode(f"{self.index.user}:{self.index.password}".encode()).decode()
        return self.headers["Authorization"] == f"Basic {token}"

    def _page(self, path: str) -> None:
        name = path.removeprefix("/simple/")
        if not name.endswith("/"):
            self._send_empty(301, {"Location": f"/simple/{quote(name)}/"})
            return
        files = sorted(os.listdir(self.index.folder))  # noqa: PTH208 - a tenth of the time of Path.iterdir
        named = [file for file in files if _distribution(file) == name.rstrip("/")]
        found = [file for suffix in (".whl", ".tar.gz") for file in named if file.endswith(suffix)]
        wheels = [self.index.folder / file for file in found]
        if not wheels:
            self._send_empty(404)
            return
        as_json = self.index.format == "json" or (
            self.index.format == "both" and JSON in self.headers.get("Accept", "")
        )
        body = self._json(name, wheels) if as_json else self._html(wheels)
        self._send(body, JSON if as_json else "text/html; charset=utf-8", self.index.pages)

    def _html(self, wheels: list[Path]) -> bytes:
        links = []
        for wheel in wheels:
            address = self._link(wheel) + (f"#sha256={_sha256(wheel)}" if self.index.hashes else "")
            links.append(f'<a href="{html.escape(address)}">{html.escape(wheel.name)}</a><br>\n')
        return f"<!DOCTYPE html><html><body>\n{''.join(links)}</body></html>".encode()

    def _json(self, name: str, wheels: list[Path]) -> bytes:
        files = [
            {
                "filename": wheel.name,
                "url": self._link(wheel),
                "hashes": {"sha256": _sha256(wheel)} if self.index.hashes else {},
            }
            for wheel in wheels
        ]
        page = {"meta": {"api-version": "1.0"}, "name": name.rstrip("/"), "files": files}
        return json.dumps(page).encode()

    def _link(self, wheel: Path) -> str:
        return f"{self.index.files_at or '../..'}/files/{quote(wheel.name)}"

    def _file(self, path: str) -> None:
        file = self.index.folder / Path(path).name
        if not file.is_file():
            self._send_empty(404)
            return
        wanted = self.headers["Range"] if self.index.ranges != "none" else None
        if wanted:
            self._send_part(file.read_bytes(), wanted.removeprefix("bytes="))
        else:
            self._send(file.read_bytes(), "application/octet-stream", self.index.files)

    def _send_part(self, content: bytes, wanted: str) -> None:
        first, _, last = wanted.partition("-")
        if not first and self.index.ranges == "front":
            self._send_empty(416)
            return
        start = int(first) if first else max(0, len(content) - int(last))
        end = min(len(content), int(last) + 1) if first and last else len(content)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.wfile.write(content[start:end])

    def _send_empty(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, body: bytes, content_type: str, faults: Faults) -> None:
        fault = self.index.next_fault(faults) if self.command == "GET" else Faults()
        time.sleep(fault.delay)
        if fault.status:
            self._send_empty(fault.status)
            return
        content = body if fault.content is None else fault.content
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        if not fault.endless:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self._send_body(content, fault)

    def _send_body(self, content: bytes, fault: Faults) -> None:
        sent = content if fault.cut_after is None else content[: fault.cut_after]
        for start in range(0, len(sent), CHUNK):
            self.wfile.write(sent[start : start + CHUNK])
            time.sleep(fault.pause)
        while fault.endless:
            self.wfile.write(bytes(CHUNK))
        if fault.cut_after is not None:
            self.close_connection = True


@cache
def _distribution(filename: str) -> str:
    return re.sub(r"[-_.]+", "-", filename.split("-", maxsplit=1)[0]).lower()


def _sha256(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()
