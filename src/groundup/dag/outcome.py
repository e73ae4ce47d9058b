"""What a run tells: events while it goes on, a report at its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from groundup.dag.errors import StateFailedError, UnknownStateError
from groundup.dag.state import AnyState


class Status(Enum):
    """How the evaluation of a state ended."""

    OK = "ok"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one state ended.

    :ivar seconds: duration of the evaluation.
    :ivar value: what the state gives to its children, when it is OK.
    :ivar error: what it raised, when it FAILED.
    :ivar because: name of the failed state because of which it was NOT_RUN.
    """

    state: AnyState
    status: Status
    seconds: float = 0.0
    value: Any = None
    error: BaseException | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """The evaluation of `state` begins."""

    state: AnyState


@dataclass(frozen=True, slots=True)
class Finished:
    """A state was evaluated, or it is certain that it will not be."""

    outcome: Outcome


Event: TypeAlias = Started | Finished


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the targets.

    :ivar targets: names of the states that were to be reached.
    :ivar outcomes: one for each state that was planned, in the order of the plan.
    :ivar seconds: duration of the run.
    """

    targets: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every planned state is OK."""
        return all(outcome.status is Status.OK for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        """The states that failed, first failure first."""
        return [outcome for outcome in self.outcomes if outcome.status is Status.FAILED]

    def value(self, name: str) -> Any:
        """Return the value of a state that was planned.

        :raises StateFailedError: the run has a failure.
        :raises UnknownStateError: the state was not planned.
        """
        self.raise_for_failure()
        values = {outcome.state.name: outcome.value for outcome in self.outcomes}
        if name not in values:
            raise UnknownStateError(name, values)
        return values[name]

    def raise_for_failure(self) -> None:
        """Raise the first failure as :class:`StateFailedError`, if there is one."""
        for outcome in self.outcomes:
            if outcome.error is not None:
                raise StateFailedError(outcome.state, outcome.error) from outcome.error
