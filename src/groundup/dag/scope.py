"""What surrounds the evaluation of a state: its output and its child processes, apart from others'."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from groundup.dag.output import Capture


class Scope:
    """The surroundings of one evaluation, where nothing is kept."""

    last_line: Callable[[], str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def end(self, status: str) -> None:
        """Note how the evaluation ended."""

    def text(self) -> str:
        """Return what was written."""
        return ""


NONE = Scope()


class Scopes:
    """Makes the surroundings of evaluations, and ends the child processes in them."""

    def __init__(self, capture: Capture | None) -> None:
        self._capture = capture

    def of(self, name: str) -> Scope:
        """Surround the evaluation of the state `name`, in this context."""
        return NONE

    def end_children(self) -> None:
        """End the child processes of the state that runs in this context."""

    def end_all_children(self) -> None:
        """End the child processes of all states."""

    def close(self) -> None:
        """Put back what was replaced in the process."""
