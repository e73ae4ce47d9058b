"""HTTP as the kernel does it (proxies, certificates, credentials), with ranges of bytes."""

from __future__ import annotations

import http.client
import io
import os
import re
import time
import urllib.error
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from typing import Any

from groundup import proto_kernel
from groundup.errors import GroundupError

LARGEST_PAGE = 64 * 2**20  # bytes
LARGEST_FILE = 512 * 2**20  # bytes of a wheel, where a server gives no parts
TAIL = 64 * 2**10  # bytes; holds the table of contents of most wheels
TIMEOUT = 30  # seconds without a byte
LONGEST = 600  # seconds for one answer
PASSING = (408, 429, 500, 502, 503, 504)


class TransferError(GroundupError):
    """An address that gives nothing; `status` is that of the answer, 0 without one."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        hint = proto_kernel.hint_for(
            message, "check the network, the index that uv uses and the proxy variables"
        )
        super().__init__(proto_kernel.mask(message), hint=hint)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """What a server sent; `address` is where it was found in the end, without credentials."""

    status: int
    headers: Message
    body: bytes
    address: str


def get(url: str, limit: int, wanted: str = "") -> Answer:
    """Fetch `url`; `wanted` is a range of bytes, which the server may ignore.

    :raises TransferError: no answer, a status that is no success, or more than `limit` bytes. What may pass
        is tried again.
    """
    for delay in (*proto_kernel.RETRY_DELAYS, None):
        try:
            return _get_once(url, limit, wanted)
        except urllib.error.HTTPError as error:
            with error:
                if delay is None or error.code not in PASSING:
                    message = f"{url} answers {error.code} {error.reason}"
                    raise TransferError(message, status=error.code) from None
        except ValueError as error:
            raise TransferError(f"{url}: {error}") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if delay is None or "CERTIFICATE_VERIFY_FAILED" in str(reason):
                raise TransferError(f"{url}: {reason or type(reason).__name__}") from None
        time.sleep(delay)
    raise AssertionError  # the last delay is None


def _get_once(url: str, limit: int, wanted: str) -> Answer:
    request = proto_kernel.authorized_request(url)
    if wanted:
        request.add_header("Range", f"bytes={wanted}")
        request.add_header("Accept-Encoding", "identity")
    with _opener(frozenset(os.environ.items())).open(request, timeout=TIMEOUT) as response:
        body = _body(response, limit)
        return Answer(response.status, response.headers, body, response.geturl())


@lru_cache(maxsize=1)
def _opener(_environment: frozenset[tuple[str, str]]) -> Any:
    """Return what opens addresses; to read the certificates takes longer than most answers do."""
    return proto_kernel.url_opener()


def _body(response: Any, limit: int) -> bytes:
    body, deadline = bytearray(), time.monotonic() + LONGEST
    while block := response.read(2**16):
        body += block
        if len(body) > limit:
            raise ValueError(f"the answer is larger than {limit // 2**20} MiB")
        if time.monotonic() > deadline:
            raise ValueError(f"the answer took more than {LONGEST} s")
    expected = response.headers.get("Content-Length")
    if expected and int(expected) != len(body):
        raise ConnectionError(f"the connection was cut after {len(body)} of {expected} bytes")
    return bytes(body)


class RemoteFile(io.RawIOBase):
    """A file behind an address, of which only the parts that are read are fetched.

    Where the server gives no parts, all of it is fetched at once and kept in memory.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.position = 0
        self.start, self.tail, self.size = self._open()

    def _open(self) -> tuple[int, bytes, int]:
        """Return the last part, with the number of its first byte, and the size of the whole."""
        try:
            answer = get(self.url, LARGEST_FILE, f"-{TAIL}")
        except TransferError as error:
            if error.status not in (400, 416, 501):  # a server that counts from the front only
                raise
            answer = get(self.url, LARGEST_FILE, "0-0")
        if answer.status != 206:
            return 0, answer.body, len(answer.body)
        first, size = self._range_of(answer)
        if first + len(answer.body) == size:
            return first, answer.body, size
        first = max(0, size - TAIL)
        return first, self._fetch(first, size), size

    def _range_of(self, answer: Answer) -> tuple[int, int]:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", "").strip())
        if not found:
            raise TransferError(f"{self.url} answers with a part that says not which", status=answer.status)
        return int(found[1]), int(found[2])

    def _fetch(self, start: int, end: int) -> bytes:
        answer = get(self.url, LARGEST_FILE, f"{start}-{end - 1}")
        if answer.status != 206:
            return answer.body[start:end]
        if self._range_of(answer)[0] != start or len(answer.body) != end - start:
            raise TransferError(f"{self.url} answers with another part than was asked for", status=206)
        return answer.body

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; fetches nothing."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        self.position = base + offset
        return self.position

    def read(self, count: int = -1) -> bytes:
        """Return `count` bytes from the position on, or all that are left."""
        end = self.size if count is None or count < 0 else min(self.size, self.position + count)
        begin, self.position = self.position, max(end, self.position)
        if begin >= end:
            return b""
        if begin >= self.start:
            return self.tail[begin - self.start : end - self.start]
        if end >= self.start:  # it continues the tail: keep it
            self.tail = self._fetch(begin, self.start) + self.tail
            self.start = begin
            return self.tail[: end - begin]
        return self._fetch(begin, end)
