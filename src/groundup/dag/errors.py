"""What can be wrong with states, their graph, or a run.

::

    UserError
    └── DagError
        ├── InvalidStateError      this cannot be a state
        ├── DuplicateStateError    two states of one name
        ├── UnknownStateError      no state of that name
        └── CycleError             states that need each other
    GroundupError
    └── StateFailedError           a state was evaluated and failed
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from groundup.errors import GroundupError, UserError

if TYPE_CHECKING:
    from groundup.dag.state import AnyState


class DagError(UserError):
    """The declared states do not form a graph that can be run."""


class InvalidStateError(DagError):
    """What was decorated cannot be a state."""


class DuplicateStateError(DagError):
    """Two states have the same name."""

    def __init__(self, first: AnyState, second: AnyState) -> None:
        super().__init__(
            f"two states are named {first.name}: {first.source} and {second.source}",
            hint="give one of them another name",
        )


class UnknownStateError(DagError):
    """A target or a parent names no state.

    :param name: the name that was asked for.
    :param names: the names that there are.
    :param wanted_by: the state whose parent it is, when it is one.
    """

    def __init__(self, name: str, names: Iterable[str], wanted_by: AnyState | None = None) -> None:
        by = f", which {wanted_by.name} ({wanted_by.source}) needs" if wanted_by else ""
        super().__init__(f"there is no state named {name}{by}", hint=_nearest(name, list(names)))


class CycleError(DagError):
    """States need each other, so that none of them can be first.

    :ivar path: names along the cycle; each needs the next, and the last is the first again.
    """

    def __init__(self, states: list[AnyState]) -> None:
        self.path = [state.name for state in [*states, states[0]]]
        steps = " → ".join(f"{state.name} ({state.source})" for state in states)
        super().__init__(
            f"states need each other in a cycle: {steps} → {states[0].name}",
            hint="take one of these parents out of the parameters or the needs of its child",
        )


class StateFailedError(GroundupError):
    """A state failed; ``__cause__`` is what it raised, whose exit code and hint are passed on.

    :ivar state: the state that failed.
    """

    def __init__(self, state: AnyState, error: BaseException) -> None:
        self.state = state
        super().__init__(
            f"state {state.name} ({state.source}) failed: {describe(error)}",
            hint=error.hint if isinstance(error, GroundupError) else "",
            exit_code=exit_code_of(error),
        )


def describe(error: BaseException) -> str:
    """Return the message of an error that is meant for people; other errors with their type before it."""
    if isinstance(error, GroundupError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that an error stands for: its own, the failed command's, else 1."""
    import subprocess

    if isinstance(error, GroundupError):
        return error.exit_code
    if isinstance(error, subprocess.CalledProcessError):
        return error.returncode if error.returncode >= 0 else 128 - error.returncode
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code or 1
    return 1


def _nearest(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else "`groundup states` lists them all"
