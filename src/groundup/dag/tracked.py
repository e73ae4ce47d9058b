"""States that can be up to date: judged before they are evaluated, recorded after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from groundup.dag.errors import NoValueError, StateFailedError
from groundup.dag.outcome import GOOD, Finished, Outcome, Status, Waiting
from groundup.dag.planner import plan, values_wanted
from groundup.dag.uptodate import Change, Result, Tracker, Verdict
from groundup.dag.uptodate.verdict import Stored
from groundup.errors import GroundupError

if TYPE_CHECKING:
    from groundup.dag.graph import StateGraph
    from groundup.dag.settling import Settler
    from groundup.dag.state import AnyState


class Tracked:
    """Decides, for one runner, which states are skipped.

    :param force: names of states that are evaluated in any case.
    """

    def __init__(self, graph: StateGraph, settler: Settler, tracker: Tracker, force: Collection[str]) -> None:
        self._graph = graph
        self._settler = settler
        self._tracker = tracker
        self._force = force
        self._results: dict[str, Result] = {}
        self._asked: dict[str, dict[str, None]] = {}
        self._anew: dict[str, threading.RLock] = {}
        self._lock = threading.Lock()

    def settle(self, state: AnyState) -> Outcome:
        """Return how `state` ends: skipped when it is up to date, else evaluated."""
        if not state.is_tracked:
            return self._settler.evaluate(state)
        return self._kept(state) or self._judged(state)

    def _kept(self, state: AnyState) -> Outcome | None:
        """Return the outcome of a state that is quickly known to be up to date."""
        if state.name in self._force:
            return None
        record = self._tracker.kept(state, self._results_of(state.eager_parents))
        if record is None:
            return None
        self._results[state.name] = Result(record.result, record.value)
        stored = None if record.value is None else Stored(state, record)
        return Outcome(state, Status.SKIPPED, stored=stored)

    def _judged(self, state: AnyState) -> Outcome:
        verdict = self.judge(state)
        if verdict.up_to_date:
            return self._skipped(state, verdict)
        is_anew = self._make_values_of_parents(state)
        with self._tracker.lock(state, partial(self._tell_waiting, state)) as is_news:
            verdict = self.judge(state) if is_news or is_anew else verdict
            return self._skipped(state, verdict) if verdict.up_to_date else self._evaluate(state, verdict)

    def judge(self, state: AnyState) -> Verdict:
        """Return whether `state` is up to date, its parents being settled, and why not."""
        parents = dict.fromkeys(state.eager_parents)
        for name in self._tracker.asked(state):
            if name in state.lazy_parents:
                self._settler.settled(name)
                parents[name] = None
        verdict = self._tracker.judge(
            state, self._settler.parameters.values_of(state), self._results_of(parents)
        )
        if state.name in self._force:
            return verdict.because(Change("forced", state.name))
        return self._checked(state, verdict) if state.check else verdict

    def note_asked(self, name: str, parent: str) -> None:
        """Note that the state `name` asked its lazy parent."""
        with self._lock:
            self._asked.setdefault(name, {})[parent] = None

    def evaluated_anew(self, name: str) -> Any:
        """Return the value of a state that was skipped although it could not be kept: evaluated now.

        So are, before it, those of its parents to which the same applies.

        :raises StateFailedError: one of them failed this time.
        """
        for state in plan(self._graph, [name], known=_Having(self._has_value), parents=values_wanted):
            with self._lock:
                lock = self._anew.setdefault(state.name, threading.RLock())
            with lock:
                if not self._has_value(state.name):
                    self._evaluate_anew(state)
        return self._settler.outcomes[name].value

    def _evaluate_anew(self, state: AnyState) -> None:
        with self._tracker.lock(state, partial(self._tell_waiting, state)):
            outcome = self._evaluate(state, self.judge(state).because(Change("value", state.name)))
        self._settler.outcomes[state.name] = outcome
        self._settler.tell(Finished(outcome))
        if outcome.error is not None:
            raise StateFailedError(state, outcome.error) from outcome.error

    def _has_value(self, name: str) -> bool:
        try:
            _ = self._settler.outcomes[name].value
        except NoValueError:
            return False
        return True

    def _make_values_of_parents(self, state: AnyState) -> bool:
        """Evaluate what has to be before the lock of `state` is held; return whether there was anything."""
        missing = [name for name in values_wanted(state) if not self._has_value(name)]
        for name in missing:
            self._settler.value_of(name)
        return bool(missing)

    def _checked(self, state: AnyState, verdict: Verdict) -> Verdict:
        """Return the verdict of a state that says itself when it is satisfied."""
        if (state.inputs or state.outputs) and not (verdict.up_to_date or verdict.is_first):
            return verdict
        if not self._is_satisfied(state):
            return verdict.because(Change("check", state.name))
        return verdict.satisfied()

    def _is_satisfied(self, state: AnyState) -> bool:
        check = state.check
        if check is None:
            return True
        from inspect import signature

        wanted = signature(check).parameters
        arguments = [argument for argument in state.arguments if argument.name in wanted]
        values = {argument.name: self._settler.filled(argument, state) for argument in arguments}
        with self._settler.surroundings(state):
            return self._settler.evaluator.is_satisfied(state, check, values)

    def _skipped(self, state: AnyState, verdict: Verdict) -> Outcome:
        self._results[state.name] = self._tracker.skip(state, verdict)
        return Outcome(state, Status.SKIPPED, stored=verdict.stored)

    def _evaluate(self, state: AnyState, verdict: Verdict) -> Outcome:
        self._asked.pop(state.name, None)
        self._tracker.begin(state)
        outcome = self._settler.evaluate(state, verdict.reasons)
        if outcome.status not in GOOD:
            if not _was_ended(outcome):
                self._tracker.fail(state)
            return outcome
        asked = self._asked.get(state.name, {})
        try:
            result, changed = self._tracker.finish(state, verdict, outcome.given, self._results_of(asked))
        except GroundupError as error:
            self._tracker.fail(state)
            self._settler.failed(state)
            outcome.status, outcome.error, outcome.given = Status.FAILED, error, None
            return outcome
        self._results[state.name] = result
        outcome.status = Status.CHANGED if changed else Status.OK
        return outcome

    def _results_of(self, names: Iterable[str]) -> dict[str, Result]:
        good = [name for name in names if self._settler.outcomes[name].status in GOOD]
        unknown = [name for name in good if name not in self._results]
        for state in plan(self._graph, unknown, self._results, self._settled_parents) if unknown else ():
            self._results[state.name] = self._tracker.result(
                state,
                self._settler.outcomes[state.name].value,
                {parent: self._results[parent] for parent in self._settled_parents(state)},
                self._settler.parameters.values_of(state),
            )
        return {name: self._results[name] for name in good}

    def _settled_parents(self, state: AnyState) -> list[str]:
        """Return the parents that were settled: those of a state with a stand-in were not."""
        return [name for name in state.eager_parents if name in self._settler.outcomes]

    def _tell_waiting(self, state: AnyState, text: str) -> None:
        self._settler.tell(Waiting(state, text))


def _was_ended(outcome: Outcome) -> bool:
    """Return whether a state did not fail by itself: its processes were ended."""
    from groundup.dag.output import StateEndedError

    return isinstance(outcome.error, StateEndedError)


class _Having:
    """The names for which something is so."""

    def __init__(self, is_so: Callable[[str], bool]) -> None:
        self._is_so = is_so

    def __contains__(self, name: str) -> bool:
        return self._is_so(name)
