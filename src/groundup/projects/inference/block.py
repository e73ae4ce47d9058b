"""Writing a PEP 723 block into a script."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from groundup.config.files import write_whole
from groundup.errors import UserError
from groundup.projects.metadata import blocks_of
from groundup.projects.script import Script

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|$)")
_ENCODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")
_COMMENT = re.compile(rb"^[ \t\f]*(?:#[^\r\n]*)?[\r\n]*$")
BOM = b"\xef\xbb\xbf"


def write_block(script: Script, requirements: Sequence[str]) -> None:
    """Put a block that declares `requirements` into the script's file, atomically.

    Every other byte stays, and so do line ends; a ``#!`` line and an encoding line stay first.

    :raises UserError: the script has a block already, is in no file, or in one that is protected.
    :raises GroundupError: the file cannot be written.
    """
    path = refuse_block(script).resolve()
    write_whole(path, with_block(script, requirements), mode=_mode(path))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refuse_block(script: Script) -> Path:
    """Return the file of a script that a block can be written into.

    :raises UserError: it has one already, is in no file, or in one that is protected.
    """
    if script.path is None:
        raise UserError(f"{script.name} is in no file: nothing can be written into it", hint="save it first")
    there = next((block for block in blocks_of(script.text()) if block.kind == "script"), None)
    if there:
        raise UserError(
            f"{script.name}:{there.line}: there is a `# /// script` block already",
            hint="edit it by hand, or remove it first",
        )
    if not _mode(script.path) & stat.S_IWUSR:  # a new file would take its place all the same
        raise UserError(f"{script.name} is protected from being written", hint="chmod u+w, or copy it")
    return script.path


def with_block(script: Script, requirements: Sequence[str]) -> bytes:
    """Return the bytes of a script that has no block, with one in it."""
    start = _after_first_lines(script.content)
    end = _line_end(script.content)
    lines = ["# /// script", *_dependencies(requirements), "# ///"]
    before, after = script.content[:start], script.content[start:]
    block = end.join(line.encode("ascii") for line in lines) + end
    separator = end if after and not after.startswith((b"\r", b"\n")) else b""
    joined = b"" if not before or before.endswith((b"\r", b"\n", BOM)) else end
    return before + joined + block + separator + after


def _dependencies(requirements: Sequence[str]) -> list[str]:
    if not requirements:
        return ["# dependencies = []"]
    return ["# dependencies = [", *(f"#     {json.dumps(one)}," for one in requirements), "# ]"]


def _after_first_lines(content: bytes) -> int:
    """Return where the first line begins that need not be one of the first two."""
    start = len(BOM) if content.startswith(BOM) else 0
    first = _LINE.match(content, start)
    second = _LINE.match(content, first.end()) if first else None
    if first is None or second is None:
        return start
    if _ENCODING.match(second[0]) and _COMMENT.match(first[0]):
        return second.end()
    return first.end() if first[0].startswith(b"#!") or _ENCODING.match(first[0]) else start


def _line_end(content: bytes) -> bytes:
    found = re.search(rb"\r\n|\n|\r", content)
    return found[0] if found else b"\n"
