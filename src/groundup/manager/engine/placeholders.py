"""Placeholders in inputs: ``${{ identifier.outputs.field }}`` and ``${{ store.key }}``.

A join may also write ``${{ identifier.all_outputs.field }}``: a JSON list with one entry for each branch.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from groundup.manager.errors import ManagerError


class PlaceholderError(ManagerError):
    """A placeholder that is malformed or cannot be resolved."""


@dataclass(frozen=True, slots=True)
class OutputReference:
    """``${{ identifier.outputs.field }}``"""

    identifier: str
    field: str


@dataclass(frozen=True, slots=True)
class StoreReference:
    """``${{ store.key }}``"""

    key: str


@dataclass(frozen=True, slots=True)
class BranchesReference:
    """``${{ identifier.all_outputs.field }}``"""

    identifier: str
    field: str


Reference = OutputReference | StoreReference | BranchesReference


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[str | Reference, ...]:
    """The literal texts and references that ``text`` consists of.

    >>> parse("Dear ${{ a.outputs.name }}!")
    ('Dear ', OutputReference(identifier='a', field='name'), '!')

    :raises PlaceholderError: for a placeholder that is not closed or of another form; there is no escape.
    """
    head, *rest = text.split("${{")
    parts: list[str | Reference] = [head]
    for piece in rest:
        content, closed, tail = piece.partition("}}")
        if not closed:
            raise PlaceholderError(
                f"Invalid syntax string placeholder {piece} for: {text} '${{' not closed",
                hint="close the placeholder with }}",
            )
        parts += [_reference(content, text), tail]
    return tuple(part for part in parts if part != "")


def _reference(content: str, text: str) -> Reference:
    match [word.strip() for word in content.split(".")]:
        case [identifier, "outputs", field]:
            return OutputReference(identifier, field)
        case [identifier, "all_outputs", field]:
            return BranchesReference(identifier, field)
        case ["store", key]:
            return StoreReference(key)
    raise PlaceholderError(
        f"Invalid syntax string placeholder {content} for: {text}",
        hint="write ${{ identifier.outputs.field }} or ${{ store.key }}",
    )


def references(text: str) -> list[Reference]:
    """The references in ``text``, in order.

    :raises PlaceholderError: as :func:`parse`.
    """
    return [part for part in parse(text) if not isinstance(part, str)]


def resolve(text: str, lookup: Callable[[Reference], Any]) -> str:
    """``text`` with every reference replaced by what ``lookup`` gives; the replacement is not parsed again.

    :raises PlaceholderError: as :func:`parse`, and whatever ``lookup`` raises.
    """
    return "".join(part if isinstance(part, str) else as_text(lookup(part)) for part in parse(text))


def as_text(value: Any) -> str:
    """A value as it travels in an input: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
