"""What decides whether a state is up to date, and what changed between two evaluations of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, Self, TypeAlias

from groundup.dag.uptodate.text import DIGEST_LENGTH, digest, short

FORMAT = "1"  # of what a key is made of
ABSENT = "absent"
DIGEST_SHOWN = 8
Kind: TypeAlias = Literal[
    "input", "output", "parameter", "parent", "source", "check", "first", "forced", "value"
]


class Change(NamedTuple):
    """One reason why a state is not up to date.

    :ivar kind: what changed. ``check``: it says itself that it is not satisfied; ``first``: no finished
        evaluation is known; ``forced``: it was asked for; ``value``: its value is needed, and was not kept.
    :ivar name: the file, parameter, parent or state.
    :ivar old: what it was: a value, the beginning of a digest, or ``absent``.
    :ivar new: what it is.
    """

    kind: Kind
    name: str
    old: str = ""
    new: str = ""

    @property
    def text(self) -> str:
        """The reason as a sentence for people."""
        return _TEXTS[self.kind](self)

    def __str__(self) -> str:
        return self.text


class Result(NamedTuple):
    """What a state contributes to the fingerprints of its children.

    :ivar digest: of its value and outputs; where the value cannot be kept, of its fingerprint and outputs.
    :ivar value: text of the value, where it has one.
    """

    digest: str
    value: str | None = None

    @property
    def text(self) -> str:
        """The value, shortened, or the beginning of the digest."""
        return self.digest[:DIGEST_SHOWN] if self.value is None else short(self.value)


class Fingerprint(NamedTuple):
    """What one evaluation of a state depends on.

    :ivar code: digest of the code.
    :ivar source: file and line; not part of the key.
    :ivar params: JSON text: parameter → text of its value; empty without parameters.
    :ivar inputs: path → digest.
    :ivar outputs: JSON text of the list of what it declares to make; empty when that is nothing.
    :ivar parents: name → what the parent contributes.
    """

    code: str
    source: str
    params: str
    inputs: Mapping[str, str]
    outputs: str
    parents: Mapping[str, Result]

    def key(self) -> str:
        """Return the digest of all of it: nothing else decides, and their order does not."""
        parts = [FORMAT, self.code, self.params, self.outputs]
        if self.inputs:
            for name in sorted(self.inputs):
                parts += "input", name, self.inputs[name]
        if self.parents:
            for name in sorted(self.parents):
                parts += "parent", name, self.parents[name].digest
        return digest("\0".join(parts))

    def to_text(self) -> str:
        """Return it as JSON text, from which :meth:`from_text` makes it again."""
        parents = {name: (parent.digest, parent.text) for name, parent in self.parents.items()}
        return json.dumps((self.code, self.source, self.params, self.inputs, self.outputs, parents))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """:raises ValueError: it is not what :meth:`to_text` wrote."""
        code, source, params, inputs, outputs, parents = json.loads(text)
        results = {name: Result(*parent) for name, parent in parents.items()}
        return cls(code, source, params, inputs, outputs, results)


def changes(old: Fingerprint, new: Fingerprint, name: str) -> tuple[Change, ...]:
    """Return what differs between two fingerprints of the state `name`."""
    return tuple(_changes(old, new, name))


def _changes(old: Fingerprint, new: Fingerprint, name: str) -> Iterator[Change]:
    if old.code != new.code:
        yield Change("source", name, *_code_texts(old, new))
    yield from _differences("parameter", _params(old), _params(new), short)
    yield from _parents(old.parents, new.parents)
    yield from _differences("input", old.inputs, new.inputs, _beginning)
    yield from _differences("output", _declared(old), _declared(new), short)


def _parents(old: Mapping[str, Result], new: Mapping[str, Result]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            yield Change("parent", name, before.text if before else ABSENT, after.text if after else ABSENT)
        elif before.digest != after.digest:
            by = (
                "text" if before.text != after.text else "digest"
            )  # its outputs changed, or the end of a value
            yield Change("parent", name, _beginning(getattr(before, by)), _beginning(getattr(after, by)))


def _differences(
    kind: Kind, old: Mapping[str, str], new: Mapping[str, str], shown: Callable[[str], str]
) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before != after:
            was = ABSENT if before is None else shown(before)
            now = ABSENT if after is None else shown(after)
            yield Change(kind, name, was, now if now != was else f"{now} (another)")


def altered(name: str, old: str, new: str | None) -> Change:
    """Return the change of an output that is not what the state made."""
    return Change("output", name, _beginning(old), ABSENT if new is None else _beginning(new))


def _params(fingerprint: Fingerprint) -> dict[str, str]:
    params: dict[str, str] = json.loads(fingerprint.params) if fingerprint.params else {}
    return params


def _declared(fingerprint: Fingerprint) -> dict[str, str]:
    return dict.fromkeys(json.loads(fingerprint.outputs) if fingerprint.outputs else (), "declared")


def _code_texts(old: Fingerprint, new: Fingerprint) -> tuple[str, str]:
    (old_python, _, old_code), (new_python, _, new_code) = old.code.partition("-"), new.code.partition("-")
    if old_python != new_python:
        return f"Python {old_python}", f"Python {new_python}"
    return f"{_beginning(old_code)} ({old.source})", f"{_beginning(new_code)} ({new.source})"


def _beginning(text: str) -> str:
    """Return a digest, and the word that may follow it, as it is shown; any other text shortened."""
    head, blank, word = text.partition(" ")
    return f"{head[:DIGEST_SHOWN]}{blank}{word}" if len(head) == DIGEST_LENGTH else short(text)


def _arrow(change: Change) -> str:
    if change.old == ABSENT:
        return f"is new ({change.new})" if change.new else "is new"
    if change.new == ABSENT:
        return f"is gone (was {change.old})" if change.old else "is absent"
    return f"changed: {change.old} → {change.new}"


_TEXTS: dict[str, Callable[[Change], str]] = {
    "input": lambda change: f"input {change.name} {_arrow(change)}",
    "output": lambda change: f"output {change.name} {_arrow(change)}",
    "parameter": lambda change: f"parameter {change.name} {_arrow(change)}",
    "parent": lambda change: f"parent {change.name} {_arrow(change)}",
    "source": lambda change: f"source {_arrow(change)}",
    "check": lambda _: "not satisfied, as it says itself",
    "first": lambda change: change.new or "not evaluated yet",
    "forced": lambda _: "forced",
    "value": lambda _: "its value is needed and is not kept",
}


def params_text(params: Mapping[str, Any], text_of: Callable[[Any], str]) -> str:
    """Return the text of parameters for a fingerprint."""
    return json.dumps({str(name): text_of(value) for name, value in params.items()}, sort_keys=True)
