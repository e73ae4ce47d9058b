"""Bytes that programs wrote, made fit for logs and for the screen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

LONGEST = 2**16  # bytes; a line that is longer is masked in parts
SUSPICIOUS = (b"@", b"://", b"password", b"token", b"secret", b"api-key", b"api_key")

_CONTROL = r"""(?x)
      \x1b\[[0-?]*[ -/]*[@-~]             # colours and movements
    | \x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?   # titles, links and other strings
    | \x1b[ -/]*[0-~]?                      # other sequences
    | [\x00-\x08\x0b-\x1f\x7f-\x9f]"""


def masked(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes with secrets masked; all others survive, whatever their encoding."""
    for lines in _whole_lines(parts):
        if not _may_hold_a_secret(lines):
            yield lines
            continue
        for is_suspicious, some in groupby(lines.splitlines(keepends=True), _may_hold_a_secret):
            data = b"".join(some)
            yield _masked(data) if is_suspicious else data


def plain(text: str) -> str:
    """Return text without control characters and sequences, except line breaks and tabs."""
    return re.sub(_CONTROL, "", text)


def _whole_lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes, cut after lines: a secret that is cut in two is not recognized."""
    rest = b""
    for part in parts:
        rest += part
        end = max(rest.rfind(b"\n"), rest.rfind(b"\r")) + 1
        if not end and len(rest) > LONGEST:
            end = len(rest)
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def _may_hold_a_secret(data: bytes) -> bool:
    """Return whether masking can change anything; it is hundreds of times slower than this."""
    small = data.lower()
    return any(word in small for word in SUSPICIOUS)


def _masked(data: bytes) -> bytes:
    from groundup.proto_kernel import mask

    text: str = mask(data.decode("utf-8", "surrogateescape"))
    return text.encode("utf-8", "surrogateescape")
