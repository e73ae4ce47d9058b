"""Inline script metadata (PEP 723): the ``# /// script`` block of a script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundup.errors import UserError

_OPENING = re.compile(r"# /// ([a-zA-Z0-9-]+)")
_CLOSING = "# ///"
_KEYS = ("dependencies", "requires-python", "tool")


@dataclass(frozen=True)
class Block:
    """One metadata block; `line` is the number of its opening line, counted from 1."""

    kind: str
    line: int
    toml: str


@dataclass(frozen=True)
class Declared:
    """A requirement as it was written, and where."""

    text: str
    place: str


@dataclass(frozen=True)
class ScriptMetadata:
    """What the script block of a script declares; all empty when there is none."""

    dependencies: tuple[Declared, ...] = ()
    requires_python: Declared | None = None
    uv: Mapping[str, Any] = field(default_factory=dict)


def parse_metadata(text: str, name: str) -> ScriptMetadata:
    """Return what the ``script`` block in `text` declares.

    `name` is the file in messages. Raises UserError with file and line for more than one block, TOML that
    is not valid, values of a wrong type and misspelt keys. Requirements are not looked into.
    """
    blocks = [block for block in blocks_of(text) if block.kind == "script"]
    if not blocks:
        return ScriptMetadata()
    if len(blocks) > 1:
        raise _several(name, [block.line for block in blocks])
    return _Reader(blocks[0], name).metadata()


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the metadata blocks of a script; one that is never closed is none."""
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        opening = _OPENING.fullmatch(lines[index])
        closing = _closing_line(lines, index + 1) if opening else None
        if opening and closing is not None:
            toml = "\n".join(line[2:] for line in lines[index + 1 : closing])
            yield Block(opening[1], index + 1, toml)
            index = closing
        index += 1


def _closing_line(lines: list[str], start: int) -> int | None:
    """Return the last closing line among the comment lines from `start` on."""
    closing = None
    for index in range(start, len(lines)):
        if lines[index] == _CLOSING:
            closing = index
        if lines[index] != "#" and not lines[index].startswith("# "):
            break
    return closing


class _Reader:
    def __init__(self, block: Block, name: str) -> None:
        self.block, self.name = block, name
        self.table = self._load()

    def metadata(self) -> ScriptMetadata:
        self._check_keys()
        return ScriptMetadata(
            dependencies=tuple(Declared(text, self._place(text)) for text in self._dependencies()),
            requires_python=self._requires_python(),
            uv=self._uv(),
        )

    def _load(self) -> dict[str, Any]:
        import tomllib

        try:
            return tomllib.loads(self.block.toml)
        except tomllib.TOMLDecodeError as error:
            inside = [n for n, line in enumerate(self.block.toml.split("\n"), 1) if line == "/// script"]
            if inside:  # without a line between them, the last closing line ends the first block
                raise _several(self.name, [self.block.line + n for n in (0, *inside)]) from error
            message, line = _position(str(error), self.block.toml)
            raise UserError(
                f"{self.name}:{self.block.line + line}: the script block is not valid TOML: {message}",
                hint="inside the block, every line is '#', a space, then TOML",
            ) from error

    def _check_keys(self) -> None:
        import difflib

        for key in self.table:
            near = difflib.get_close_matches(key, _KEYS, 1, cutoff=0.7)
            if key not in _KEYS and near:
                raise self._error(
                    key, f"unknown key {key!r} in the script block", f"did you mean {near[0]!r}?"
                )

    def _requires_python(self) -> Declared | None:
        value = self.table.get("requires-python")
        if not isinstance(value, str | None):
            raise self._error("requires-python", "requires-python must be text", 'such as ">=3.11"')
        return Declared(value, self._place("requires-python")) if value else None

    def _dependencies(self) -> list[str]:
        value = self.table.get("dependencies", [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise self._error("dependencies", "dependencies must be a list of text", 'such as ["httpx>=0.27"]')

    def _uv(self) -> dict[str, Any]:
        tool = self.table.get("tool", {})
        uv = tool.get("uv", {}) if isinstance(tool, dict) else None
        if isinstance(uv, dict):
            return uv
        raise self._error("tool", "tool and tool.uv must be tables", "write [tool.uv]")

    def _place(self, needle: str) -> str:
        """Return ``file:line`` of the first line of the block that has `needle`, by itself if any does."""
        lines = self.block.toml.split("\n")
        word = re.compile(rf"(?<![\w-]){re.escape(needle)}(?![\w-])")
        whole = (number for number, line in enumerate(lines, 1) if word.search(line))
        offset = next(whole, None) or next((n for n, line in enumerate(lines, 1) if needle in line), 0)
        return f"{self.name}:{self.block.line + offset}"

    def _error(self, key: str, message: str, hint: str) -> UserError:
        return UserError(f"{self._place(key)}: {message}", hint=hint)


def _several(name: str, lines: Sequence[int]) -> UserError:
    numbers = ", ".join(map(str, lines))
    return UserError(
        f"{name}:{lines[1]}: more than one `# /// script` block (lines {numbers})", hint="keep one"
    )


def _position(message: str, toml: str) -> tuple[str, int]:
    """Split tomllib's message into what is wrong and the line; "end of document" is the last line."""
    found = re.search(r" \(at line (\d+), column \d+\)$", message)
    if found:
        return message[: found.start()], int(found[1])
    return message.removesuffix(" (at end of document)"), toml.count("\n") + 1
