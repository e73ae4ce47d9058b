"""Errors of inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundup.errors import UserError


@dataclass(frozen=True)
class Undecided:
    """A module for which no single distribution has evidence.

    :ivar candidates: the distributions that may provide it; those that do not exist, or have another content,
        are left out.
    :ivar reason: what was found.
    """

    module: str
    candidates: tuple[str, ...]
    reason: str


class UndecidedImportsError(UserError):
    """Imports that a person has to decide about; `undecided` has them all."""

    def __init__(self, places: Sequence[tuple[str, Undecided]]) -> None:
        super().__init__("\n".join(f"{place}: {one.module}: {one.reason}" for place, one in places))
        self.undecided = tuple(one for _, one in places)
        example = self.undecided[0]
        name = example.candidates[0] if example.candidates else "DISTRIBUTION"
        decision = f"dependency_overrides={{{example.module!r}: {name!r}}}"
        option = f"--override {example.module}={name}"
        self.hint = f"decide with {decision}, {option} or --with {name}; an empty text requires nothing"
