"""YAML as far as it means the same as JSON: plain texts stay texts, whatever they look like.

Only ``null``, ``true``, ``false`` and JSON's numbers are read as such: ``no``, ``on``, ``1:30``, ``010`` and
dates are texts. There are no aliases, no tags, no keys but texts, and no key twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import yaml

Path = tuple[str | int, ...]
Lines = dict[Path, int]

_PREFIX = "tag:yaml.org,2002:"
_NUMBER = r"[-+]?(?:0|[1-9][0-9]*)"
_IMPLICIT = {
    "null": r"~|null|",
    "bool": r"true|false",
    "int": _NUMBER,
    "float": rf"{_NUMBER}(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?",
}


class YamlError(ValueError):
    """A text is not YAML that this module reads; `line` counts from 1, 0 where it is not known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str | None, Any] = {}  # noqa: RUF012 - none of YAML 1.1

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise YamlError(f"*{event.anchor}: aliases are not read", event.start_mark.line + 1)
        return super().compose_node(parent, index)


for _name, _pattern in _IMPLICIT.items():
    _Loader.add_implicit_resolver(_PREFIX + _name, re.compile(rf"(?:{_pattern})\Z"), None)


def parse(text: str) -> tuple[Any, Lines]:
    """Return the value of a YAML text, and the line of each value and key by its path.

    :raises YamlError: it is no YAML, or means something that JSON cannot say.
    """
    lines: Lines = {}
    try:
        node = yaml.compose(text, Loader=_Loader)
        return (None if node is None else _value(node, (), lines)), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(error.problem or error.context or "not YAML", mark.line + 1 if mark else 0) from None
    except yaml.YAMLError as error:
        raise YamlError(str(error).partition("\n")[0]) from None
    except RecursionError:
        raise YamlError("it is nested too deeply") from None


def _value(node: yaml.Node, path: Path, lines: Lines) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_PREFIX}map":
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_PREFIX}seq":
        return [_value(item, (*path, n), lines) for n, item in enumerate(node.value)]
    read = _SCALARS.get(node.tag)
    if read is None or not isinstance(node, yaml.ScalarNode):
        raise YamlError(f"the tag {node.tag.replace(_PREFIX, '!!')} is not read", node.start_mark.line + 1)
    try:
        return read(node.value)
    except ValueError:
        raise YamlError(f"{node.value!r} is no {node.tag.removeprefix(_PREFIX)}", lines[path]) from None


def _mapping(node: yaml.MappingNode, path: Path, lines: Lines) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = _value(key_node, (*path, ""), {})
        if not isinstance(key, str):
            raise YamlError(f"the key {key!r} is no text: put it in quotes", line)
        if key in found:
            raise YamlError(f"the key {key!r} stands twice", line)
        lines[(*path, key)] = line
        found[key] = _value(value_node, (*path, key), lines)
    return found


def _text(text: str) -> str:
    """Return a text whose escapes were read one by one, the halves of a character together."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_SCALARS: dict[str, Callable[[str], Any]] = {
    f"{_PREFIX}str": _text,
    f"{_PREFIX}null": lambda _: None,
    f"{_PREFIX}bool": _bool,
    f"{_PREFIX}int": int,
    f"{_PREFIX}float": _float,
}
