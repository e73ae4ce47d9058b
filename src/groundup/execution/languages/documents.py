"""Files in YAML, JSON or TOML, read strictly; what is wrong is told with file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from groundup.execution.languages.errors import StepError, needing_extra
from groundup.execution.languages.strict_json import parse as parse_json
from groundup.execution.languages.strict_json import plain

Keys = tuple[str | int, ...]
ENDINGS = (".yaml", ".yml", ".json", ".toml")
MAX_BYTES = 2**20  # of a step file


class Document(NamedTuple):
    """A value with where each part of it stands; `line` gives 0 where that is not known."""

    name: str
    value: Any
    line: Callable[[Keys], int]

    def place(self, keys: Keys) -> str:
        """Return ``file:line`` of the value under `keys`, or of what is nearest above it."""
        line = self.line(keys)
        return f"{self.name}:{line}" if line else self.name


def read_document(path: Path, kind: str = "step") -> Document:
    """Return what a file says; its ending tells how it is written.

    :param kind: what messages call what is described in it.
    :raises StepError: it cannot be read, or is not what its ending says; says file and line.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise StepError(
            f"{path}: a {kind} file ends with {', '.join(ENDINGS)}", hint="give it the ending of what it is"
        )
    return read(str(path), _text(path, kind))


def _text(path: Path, kind: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise StepError(
                f"{path} is larger than {MAX_BYTES} bytes", hint=_HINTS.get(kind, "make it smaller")
            )
        return content.decode("utf-8-sig")
    except OSError as error:
        raise StepError(
            f"cannot read the {kind} {path}: {error.strerror}", hint="correct its path"
        ) from error
    except UnicodeDecodeError as error:
        raise StepError(f"{path} is not UTF-8: {error}", hint="save it as UTF-8") from error


def _wrong(name: str, line: int, message: str, language: str) -> StepError:
    place = f"{name}:{line}" if line else name
    return StepError(f"{place}: not valid {language}: {message}", hint="correct the file")


def _from_yaml(name: str, text: str) -> Document:
    with needing_extra():
        from groundup.execution.languages.strict_yaml import YamlError, parse

    try:
        value, lines = parse(text)
    except YamlError as error:
        raise _wrong(name, error.line, str(error), "YAML") from None
    return Document(name, value, _nearest(lines))


def _from_json(name: str, text: str) -> Document:
    try:
        value = parse_json(text)
    except ValueError as error:
        line = getattr(error, "lineno", 0) or _line_wrong_in_yaml(text)
        raise _wrong(name, line, getattr(error, "msg", str(error)), "JSON") from None
    return Document(name, value, lambda keys: _line_in_json(text, keys))


def _from_toml(name: str, text: str) -> Document:
    from groundup.proto_kernel import find_line

    try:
        value = plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _wrong(name, _line_in_message(str(error), text), str(error), "TOML") from None
    except RecursionError:
        raise _wrong(name, 0, "it is nested too deeply", "TOML") from None
    except ValueError as error:
        raise _wrong(name, 0, f"{error}; put dates and times in quotes", "TOML") from None
    return Document(name, value, lambda keys: find_line(text, keys))


def _line_in_message(message: str, text: str) -> int:
    """Return the line that a reader of TOML names; where it names none, it missed something at the end."""
    found = re.search(r"at line (\d+)", message)
    return int(found[1]) if found else len(text.splitlines())


def _nearest(lines: dict[Keys, int]) -> Callable[[Keys], int]:
    def line(keys: Keys) -> int:
        return next((lines[keys[:n]] for n in range(len(keys), -1, -1) if keys[:n] in lines), 0)

    return line


def _line_in_json(text: str, keys: Keys) -> int:
    """Return the line of a key; JSON is nearly YAML, and where it is not, no line is known."""
    lines = _read_as_yaml(text)
    return _nearest(lines)(keys) if isinstance(lines, dict) else 0


def _line_wrong_in_yaml(text: str) -> int:
    """Return the line of what YAML does not take either, such as a key that stands twice."""
    line = _read_as_yaml(text)
    return line if isinstance(line, int) else 0


def _read_as_yaml(text: str) -> dict[Keys, int] | int:
    """Return the lines of all keys, or else the one where it is wrong; 0 where nothing reads YAML."""
    try:
        from groundup.execution.languages.strict_yaml import YamlError, parse
    except ModuleNotFoundError:
        return 0
    try:
        return parse(text)[1]
    except YamlError as error:
        return error.line


_HINTS = {"step": "put large inputs into artifacts"}
_READERS = {".yaml": _from_yaml, ".yml": _from_yaml, ".json": _from_json, ".toml": _from_toml}
