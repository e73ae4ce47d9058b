"""What can be wrong with states, their graph, or a run.

::

    UserError
    └── DagError
        ├── InvalidStateError      this cannot be a state
        ├── DuplicateStateError    two states of one name
        ├── UnknownStateError      no state of that name
        ├── TypeMismatchError      a parent gives what its child does not take
        ├── CycleError             states that need each other
        ├── ParamsError            parameters that a state does not take
        └── NoValueError           a skipped state whose value could not be kept
    GroundupError
    ├── StateFailedError           a state was evaluated and failed
    ├── LazyFailedError            a lazy parent, or what it needs, failed
    └── StateTimeoutError          a state took longer than it may
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from groundup.dag.raising import raised_at
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
            hint=f"give one of them another name, or let one stand in the other's place: "
            f'@state(replaces="{first.name}")',
        )


class UnknownStateError(DagError):
    """A target or a parent names no state.

    :param name: the name that was asked for.
    :param names: the names that there are.
    :param wanted_by: the state whose parent it is, or that replaces it, when there is one.
    """

    def __init__(self, name: str, names: Iterable[str], wanted_by: AnyState | None = None) -> None:
        verb = "replaces" if wanted_by and wanted_by.replaces == name else "needs"
        by = f", which {wanted_by.name} ({wanted_by.source}) {verb}" if wanted_by else ""
        is_method = wanted_by is not None and name == "self"
        hint = "declare the method of an instance: state(instance.method)" if is_method else ""
        super().__init__(f"there is no state named {name}{by}", hint=hint or _nearest(name, list(names)))


class TypeMismatchError(DagError):
    """The value of a parent is not what the parameter of its child is annotated with."""

    def __init__(self, parent: AnyState, child: AnyState, given: Any, parameter: str, wanted: Any) -> None:
        super().__init__(
            f"{parent.name} ({parent.source}) gives {_type_name(given)}, but {child.name} ({child.source}) "
            f"takes {parameter}: {_type_name(wanted)}",
            hint="correct one of the two annotations",
        )


class ParamsError(DagError):
    """Parameters of a state are missing or wrong."""


class NoValueError(DagError):
    """The value of a state that was skipped is asked for, but it is none that can be kept."""

    def __init__(self, state: AnyState) -> None:
        super().__init__(
            f"{state.name} ({state.source}) is up to date, and its value could not be kept",
            hint="force it, or annotate a return type that can be written as JSON",
        )


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
        file, line = raised_at(error, state.file)
        place = f" ({'line ' if file == state.file else f'{file}:'}{line})" if line else ""
        super().__init__(
            f"state {state.name} ({state.source}) failed: {describe(error)}{place}",
            hint=error.hint if isinstance(error, GroundupError) else "",
            exit_code=exit_code_of(error),
        )


class LazyFailedError(GroundupError):
    """What a lazy parent was asked for is not there, because a state failed."""

    def __init__(self, name: str, because: str) -> None:
        self.because = because
        super().__init__(f"there is no value of {name}, because {because} failed")


class StateTimeoutError(GroundupError):
    """One attempt took longer than the state's timeout.

    :param seconds: the timeout.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"not done after {seconds:g} s",
            hint="look at its output, or give it a longer timeout",
            exit_code=124,
        )


def describe(error: BaseException) -> str:
    """Return the message of an error that is meant for people; other errors with their type before it.

    Control characters are left out, and what cannot be written as UTF-8 is escaped.
    """
    from groundup.dag.output.text import plain

    return plain(_message(error).encode("utf-8", "backslashreplace").decode())


def _message(error: BaseException) -> str:
    import subprocess

    if isinstance(error, GroundupError):
        return str(error)
    if isinstance(error, subprocess.CalledProcessError):
        return f"{_command(error.cmd)} {_ended(error.returncode)}"
    try:
        text = str(error)
    except Exception:  # it is the user's own code
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


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


def _command(words: Any) -> str:
    from shlex import join

    return words if isinstance(words, str) else join(map(str, words))


def _ended(code: int) -> str:
    from signal import Signals

    if code >= 0:
        return f"exited with {code}"
    known = -code in Signals.__members__.values()
    return f"was ended by {Signals(-code).name if known else f'signal {-code}'}"


def _type_name(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _nearest(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else "`groundup states` lists them all"
