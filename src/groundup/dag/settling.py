"""How one state ends: skipped because it is up to date, evaluated, or not run because another one failed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from groundup.dag.arguments import Argument, Kind, Lazy
from groundup.dag.errors import LazyFailedError, NoValueError, StateFailedError
from groundup.dag.evaluation import Evaluator
from groundup.dag.outcome import GOOD, Event, Finished, Outcome, Retrying, Started, Status
from groundup.dag.params.planned import Parameters
from groundup.dag.scope import Scopes
from groundup.dag.state import AnyState

if TYPE_CHECKING:
    from groundup.dag.tracked import Tracked
    from groundup.dag.uptodate import Change


class Settler:
    """Settles states of one runner, from any of its threads.

    :param outcomes: of the states that are settled.
    :param keep_going: after a failure, go on with what does not depend on it.
    :ivar demand: settles a lazy parent; set by the runner.
    :ivar tracked: decides about states that can be up to date; without it all are evaluated.
    """

    demand: Callable[[str], None]

    def __init__(
        self,
        outcomes: dict[str, Outcome],
        evaluator: Evaluator,
        scopes: Scopes,
        parameters: Parameters,
        *,
        keep_going: bool,
        on_event: Callable[[Event], None] | None,
    ) -> None:
        self.outcomes = outcomes
        self.parameters = parameters
        self.tracked: Tracked | None = None
        self.evaluator = evaluator
        self._scopes = scopes
        self._keep_going = keep_going
        self._on_event = on_event
        self._telling = threading.Lock()
        self._failed = ""

    def begin(self) -> None:
        """Forget failures of earlier runs, which are no reason to stop a new one."""
        self._failed = ""

    def settle(self, state: AnyState) -> Outcome:
        """Return how `state` ends; its parents are settled."""
        because = self._blocker(state)
        if because:
            outcome = Outcome(state, Status.NOT_RUN, because=because)
        elif self.tracked is not None:
            outcome = self._tracked(state, self.tracked)
        else:
            outcome = self.evaluate(state)
        if self._on_event is not None:
            self.tell(Finished(outcome))
        return outcome

    def evaluate(self, state: AnyState, reasons: tuple[Change, ...] = ()) -> Outcome:
        """Call the state's function with what it asks for, and return how that ended."""
        began = time.perf_counter()
        retries: list[int] = []
        scope = self._scopes.of(state.name)
        if self._on_event is not None:
            self.tell(Started(state, scope.last_line))
        with scope:
            try:
                arguments = {argument.name: self.filled(argument, state) for argument in state.arguments}
                value = self.evaluator.evaluate(state, arguments, partial(self._retry, state, retries))
                scope.check_whole()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # also what is no Exception, such as asyncio.CancelledError
                outcome = Outcome(state, Status.FAILED, began, error=error)
                self.failed(state)
            else:
                outcome = Outcome(state, Status.OK, began, given=value)
            outcome.reasons, outcome.attempts = reasons, len(retries) + 1
            outcome.seconds = time.perf_counter() - began
            scope.end(outcome)
        return outcome

    def surroundings(self, state: AnyState) -> AbstractContextManager[object]:
        """Surround what else is called of a state: what it writes and starts is that of the state."""
        return self._scopes.of(state.name)

    def failed(self, state: AnyState) -> None:
        """Let nothing begin any more that is not to go on without `state`."""
        self._failed = self._failed or state.name

    def value_of(self, name: str) -> Any:
        """Return the value of a settled state; one that was skipped without a value is evaluated."""
        try:
            return self.outcomes[name].value
        except NoValueError:
            if self.tracked is None:
                raise
            return self.tracked.evaluated_anew(name)

    def tell(self, event: Event) -> None:
        """Tell the listener, one event at a time."""
        if self._on_event is not None:
            with self._telling, self._scopes.outside():
                self._on_event(event)

    def _tracked(self, state: AnyState, tracked: Tracked) -> Outcome:
        try:
            return tracked.settle(state)
        except StateFailedError as error:  # a parent, evaluated anew because its value could not be kept
            return Outcome(state, Status.NOT_RUN, because=error.state.name)
        except (Exception, SystemExit) as error:  # of its check, of files that cannot be read, of a full disk
            self.failed(state)
            return Outcome(state, Status.FAILED, time.perf_counter(), error=error)

    def _blocker(self, state: AnyState) -> str:
        """Return the name of the failed state because of which `state` is not run, if there is one."""
        for parent in map(self.outcomes.__getitem__, state.eager_parents):
            if parent.status not in GOOD:
                return parent.because or parent.state.name
        return "" if self._keep_going else self._failed

    def filled(self, argument: Argument, state: AnyState) -> Any:
        """Return what fills an argument of `state`."""
        if argument.kind is Kind.VALUE:
            return self.value_of(argument.parent)
        if argument.kind is Kind.PARAMS:
            return self.parameters.of(state)
        return Lazy(partial(self._asked, argument.parent, state))

    def _asked(self, name: str, by: AnyState) -> Any:
        if self.tracked is not None:
            self.tracked.note_asked(by.name, name)
        outcome = self.settled(name)
        if outcome.status not in GOOD:
            raise LazyFailedError(name, outcome.because or name)
        return self.value_of(name)

    def settled(self, name: str) -> Outcome:
        """Return how a lazy parent ended; it is settled now when it is not yet."""
        if name not in self.outcomes:
            self.demand(name)
        return self.outcomes[name]

    def _retry(
        self, state: AnyState, retries: list[int], attempt: int, error: BaseException, delay: float
    ) -> None:
        retries.append(attempt)
        self.tell(Retrying(state, attempt, error, delay))
