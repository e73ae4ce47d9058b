"""Evaluates states: each needed one once, parents first."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from groundup.dag.graph import StateGraph
from groundup.dag.outcome import Event, Finished, Outcome, Report, Started, Status
from groundup.dag.planner import plan
from groundup.dag.state import AnyState


class Runner:
    """Reaches states of one graph and keeps their values until it is closed; use it in a ``with`` block.

    :param on_event: is told of each start and each end, in the thread of the run.
    :param keep_going: after a failure, go on with what does not depend on it.
    :param overrides: values that stand in for states, which are then not evaluated.
    :raises UnknownStateError: `overrides` names no state.
    """

    def __init__(
        self,
        graph: StateGraph,
        *,
        on_event: Callable[[Event], None] | None = None,
        keep_going: bool = False,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        self._graph = graph
        self._on_event = on_event or (lambda _event: None)
        self._keep_going = keep_going
        self._resources = ExitStack()
        self._failed = ""
        self._outcomes = {
            name: Outcome(graph[name], Status.OK, value=value) for name, value in (overrides or {}).items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the states that are generators, the last begun first."""
        self._resources.close()

    def reach(self, *targets: str | AnyState) -> Report:
        """Evaluate `targets` and everything that they need; what was evaluated before is not repeated.

        A state that fails is in the report; nothing is raised for it.

        :raises UnknownStateError: a target names no state.
        """
        begun = time.perf_counter()
        names = tuple(target if isinstance(target, str) else target.name for target in targets)
        self._failed = ""
        for state in plan(self._graph, names, known=self._outcomes):
            self._settle(state)
        return Report(names, self._outcomes_for(names), time.perf_counter() - begun)

    def _outcomes_for(self, names: tuple[str, ...]) -> tuple[Outcome, ...]:
        planned = (state.name for state in plan(self._graph, names))
        return tuple(self._outcomes[name] for name in planned if name in self._outcomes)

    def _settle(self, state: AnyState) -> None:
        because = self._blocker(state)
        if because:
            outcome = Outcome(state, Status.NOT_RUN, because=because)
        else:
            self._on_event(Started(state))
            outcome = self._evaluate(state)
        self._outcomes[state.name] = outcome
        self._on_event(Finished(outcome))

    def _blocker(self, state: AnyState) -> str:
        """Return the name of the failed state because of which `state` is not run, if there is one."""
        for parent in map(self._outcomes.__getitem__, state.parents):
            if parent.status is not Status.OK:
                return parent.because or parent.state.name
        return "" if self._keep_going else self._failed

    def _evaluate(self, state: AnyState) -> Outcome:
        begun = time.perf_counter()
        arguments = {name: self._outcomes[name].value for name in (a.parent for a in state.arguments)}
        try:
            value = self._call(state.function, arguments)
        except (Exception, SystemExit) as error:
            self._failed = self._failed or state.name
            return Outcome(state, Status.FAILED, time.perf_counter() - begun, error=error)
        return Outcome(state, Status.OK, time.perf_counter() - begun, value=value)

    def _call(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        if inspect.isgeneratorfunction(function):
            return self._resources.enter_context(contextmanager(function)(**arguments))
        if inspect.iscoroutinefunction(function):
            import asyncio

            return asyncio.run(function(**arguments))
        return function(**arguments)
