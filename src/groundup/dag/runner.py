"""Reaches states: each needed one once, parents first, as many at a time as the graph and `jobs` allow."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from groundup.dag.errors import DagError, StateFailedError
from groundup.dag.evaluation import Evaluator
from groundup.dag.graph import StateGraph
from groundup.dag.outcome import Event, Outcome, Report, Status
from groundup.dag.params.planned import Parameters
from groundup.dag.planner import plan
from groundup.dag.scheduler import Scheduler
from groundup.dag.scope import Scopes
from groundup.dag.settling import Settler
from groundup.dag.state import AnyState

if TYPE_CHECKING:
    from groundup.dag.output import Capture
    from groundup.dag.preview import Preview
    from groundup.dag.uptodate import Tracker


class Runner:
    """Reaches states of one graph and keeps their values until it is closed; use it in a ``with`` block.

    :param jobs: how many states are evaluated at once; default: the machine's cores. With 1 the order is that
        of the plan.
    :param keep_going: after a failure, go on with what does not depend on it.
    :param overrides: values that stand in for states, which are then not evaluated.
    :param params: parameters of states, by state and key.
    :param tracker: remembers what was done; without one every needed state is evaluated.
    :param force: names of states that are evaluated even when they are up to date.
    :param capture: keeps what states write, instead of letting it through.
    :param on_event: is told what happens, one event at a time, in the thread where it does.
    :raises UnknownStateError: `overrides` or `force` names no state.
    :raises ParamsError: `params` has something that no state takes.
    :raises DagError: `jobs` is less than 1.
    """

    def __init__(
        self,
        graph: StateGraph,
        *,
        jobs: int | None = None,
        keep_going: bool = False,
        overrides: Mapping[str, Any] | None = None,
        params: Mapping[str, Mapping[str, Any]] | None = None,
        tracker: Tracker | None = None,
        force: Collection[str] = (),
        capture: Capture | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        if jobs is not None and jobs < 1:
            raise DagError(f"jobs is {jobs}", hint="give 1 or more; without it, as many as there are cores")
        self._graph = graph
        self._capture = capture
        self._overrides = dict(overrides or {})
        self._outcomes = {
            name: Outcome(graph[name], Status.OK, given=value) for name, value in self._overrides.items()
        }
        self._demanded: dict[str, None] = {}
        self._ended = threading.Event()
        self._scopes = Scopes(capture)
        self._evaluator = Evaluator(self._scopes)
        self._parameters = Parameters(graph, {} if params is None else params)
        self._settler = Settler(
            self._outcomes,
            self._evaluator,
            self._scopes,
            self._parameters,
            keep_going=keep_going,
            on_event=on_event,
        )
        self._settler.demand = self._demand
        self._tracker, self._force = tracker, frozenset(graph[name].name for name in force)
        if tracker is not None and any(state.is_tracked for state in graph):
            from groundup.dag.tracked import Tracked

            self._settler.tracked = Tracked(graph, self._settler, tracker, self._force)
        self._scheduler = Scheduler(self._settler.settle, self._outcomes, jobs or os.cpu_count() or 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the states that are generators, the last begun first, and all child processes of states.

        :raises StateFailedError: the end of a generator failed; its outcome says so as well.
        """
        self._scheduler.stop()
        try:
            self._evaluator.close()
        except StateFailedError as error:
            outcome = self._outcomes[error.state.name]
            outcome.status, outcome.error = Status.FAILED, error.__cause__
            raise
        finally:
            self._scopes.close()

    def reach(self, *targets: str | AnyState) -> Report:
        """Evaluate `targets` and everything that they need; what was evaluated before is not repeated.

        A state that fails is in the report; nothing is raised for it.

        :raises UnknownStateError: a target names no state.
        :raises ParamsError: the parameters of a state that is needed are missing or wrong.
        :raises KeyboardInterrupt: after the child processes of states were ended.
        """
        begun = time.perf_counter()
        self._demanded.clear()
        names = tuple(target if isinstance(target, str) else target.name for target in targets)
        planned = plan(self._graph, names, known=self._outcomes)
        self._parameters.prepare(planned)
        self._settler.begin()
        self._scopes.begin()
        try:
            self._scheduler.run(planned)
        except BaseException:  # also when it is interrupted: no child process outlives the run
            self._end()
            raise
        log = self._capture.log if self._capture else None
        if self._demanded or len(planned) < len(self._outcomes):
            planned = plan(self._graph, [*sorted(self._demanded), *names])
        outcomes = tuple(self._outcomes[state.name] for state in planned if state.name in self._outcomes)
        return Report(names, outcomes, time.perf_counter() - begun, log)

    def preview(self, *targets: str | AnyState) -> tuple[Preview, ...]:
        """Return what :meth:`reach` would do in a new process, and why, parents first; nothing is evaluated.

        :raises UnknownStateError: a target names no state.
        :raises ParamsError: the parameters of a state that is needed are missing or wrong.
        """
        from groundup.dag.preview import Foresight

        names = [target if isinstance(target, str) else target.name for target in targets]
        foresight = Foresight(
            self._graph, self._tracker, self._parameters, force=self._force, known=self._overrides
        )
        return foresight.of(names)

    def kill(self) -> None:
        """Kill the child processes of all states, and let none be started: for a process that ends now."""
        self._scopes.end_all_children(grace=0)

    def _end(self) -> None:
        """End what runs; further interrupts do not hinder it."""
        ending = threading.Thread(target=self._end_all, name="groundup-end")
        while not self._ended.is_set():
            with suppress(KeyboardInterrupt):
                if ending.ident is None:
                    ending.start()
                self._ended.wait()

    def _end_all(self) -> None:
        try:
            self._evaluator.interrupt()
            self._scopes.end_all_children()
            self._scheduler.stop()
        finally:
            self._ended.set()

    def _demand(self, name: str) -> None:
        self._demanded[name] = None
        planned = plan(self._graph, [name], known=self._outcomes)
        self._parameters.prepare(planned)
        self._scheduler.demand(name, planned)
