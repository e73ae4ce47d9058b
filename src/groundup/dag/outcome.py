"""What a run tells: events while it goes on, a report at its end."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from groundup.dag.errors import NoValueError, StateFailedError, UnknownStateError
from groundup.dag.fields import Fields
from groundup.dag.state import AnyState

if TYPE_CHECKING:
    from groundup.dag.uptodate import Change


class Status(Enum):
    """How a state ended.

    OK: it was evaluated, and its result is none that is kept, or the same as before. CHANGED: it was
    evaluated and its result is new. SKIPPED: it was up to date. NOT_RUN: another one failed.
    """

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_RUN = "not run"


GOOD = frozenset({Status.OK, Status.CHANGED, Status.SKIPPED})


class Outcome(Fields):
    """How one state ended.

    :ivar began: when its evaluation began, in seconds of :func:`time.perf_counter`.
    :ivar seconds: duration of the evaluation, retries included.
    :ivar given: what the state gave when it was evaluated.
    :ivar stored: restores the value that an earlier evaluation stored, when the state was skipped.
    :ivar error: what it raised, when it FAILED.
    :ivar because: name of the failed state because of which it was NOT_RUN.
    :ivar reasons: what was not up to date.
    :ivar attempts: how often it was tried.
    :ivar output: what it wrote, when that was captured and it FAILED.
    """

    __match_args__ = (
        "state",
        "status",
        "began",
        "seconds",
        "given",
        "stored",
        "error",
        "because",
        "reasons",
        "attempts",
        "output",
    )
    __slots__ = __match_args__

    def __init__(
        self,
        state: AnyState,
        status: Status,
        began: float = 0.0,
        *,
        seconds: float = 0.0,
        given: Any = None,
        stored: Callable[[], Any] | None = None,
        error: BaseException | None = None,
        because: str = "",
        reasons: tuple[Change, ...] = (),
        attempts: int = 0,
        output: str = "",
    ) -> None:
        self.state = state
        self.status = status
        self.began = began
        self.seconds = seconds
        self.given = given
        self.stored = stored
        self.error = error
        self.because = because
        self.reasons = reasons
        self.attempts = attempts
        self.output = output

    @property
    def value(self) -> Any:
        """What the state gives to its children, when it ended well.

        :raises NoValueError: it was skipped, and its value is none that can be kept.
        """
        return self.given if self.status is not Status.SKIPPED else self._restored()

    def _restored(self) -> Any:
        if self.stored is None:
            raise NoValueError(self.state)
        return self.stored()


class Started(NamedTuple):
    """The evaluation of `state` begins.

    :ivar last_line: the last line that it wrote so far, when output is captured.
    """

    state: AnyState
    last_line: Callable[[], str] | None = None


class Retrying(NamedTuple):
    """An attempt at `state` failed; the next one begins in `delay` seconds."""

    state: AnyState
    attempt: int
    error: BaseException
    delay: float


class Waiting(NamedTuple):
    """Another process evaluates `state`; `text` says which."""

    state: AnyState
    text: str


class Finished(NamedTuple):
    """A state was evaluated or skipped, or it is certain that it will not be evaluated."""

    outcome: Outcome


Event: TypeAlias = Started | Retrying | Waiting | Finished


class Report(NamedTuple):
    """What became of the targets.

    :ivar targets: names of the states that were to be reached.
    :ivar outcomes: one for each state that was needed, parents first.
    :ivar seconds: duration of the run.
    :ivar log: file with the output of all states, when it was captured and there was any.
    """

    targets: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    seconds: float
    log: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether every state that was needed ended well."""
        return all(outcome.status in GOOD for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        """The states that failed, in the order of the plan."""
        return [outcome for outcome in self.outcomes if outcome.status is Status.FAILED]

    def value(self, name: str) -> Any:
        """Return the value of a state that was needed.

        :raises StateFailedError: the run has a failure.
        :raises UnknownStateError: the state was not needed.
        :raises NoValueError: it was skipped, and its value is none that can be kept.
        """
        self.raise_for_failure()
        outcomes = {outcome.state.name: outcome for outcome in self.outcomes}
        if name not in outcomes:
            raise UnknownStateError(name, outcomes)
        return outcomes[name].value

    def raise_for_failure(self) -> None:
        """Raise the first failure as :class:`StateFailedError`, if there is one."""
        for outcome in self.failures:
            if outcome.error is not None:
                raise StateFailedError(outcome.state, outcome.error) from outcome.error
