"""What a run would do, and why, without doing it."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from groundup.dag.planner import plan, values_wanted
from groundup.dag.uptodate import Change, Result

if TYPE_CHECKING:
    from groundup.dag.graph import StateGraph
    from groundup.dag.params.planned import Parameters
    from groundup.dag.state import AnyState
    from groundup.dag.uptodate import Tracker, Verdict


class Would(Enum):
    """What a run would do with a state.

    MAY_RUN: it is up to date unless a parent that would run, or may, gives something new, or its own check
    says that it is not satisfied.
    SKIP: it is up to date; where parents are named because of which it may not be, these are evaluated every
    time, and one of them would have to give something new.
    """

    RUN = "runs"
    MAY_RUN = "may run"
    SKIP = "up to date"
    ALWAYS = "evaluated every time"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do with one state.

    :ivar reasons: what is not up to date.
    :ivar through: names of the parents because of which it may run.
    :ivar lacks_value: whether other states want its value, and it would have to run to give it.
    :ivar since: when its last evaluation ended well, in seconds since 1970; 0 when that is not known.
    """

    state: AnyState
    would: Would
    reasons: tuple[Change, ...] = ()
    through: tuple[str, ...] = ()
    lacks_value: bool = False
    since: int = 0


_UNCERTAIN = frozenset({Would.RUN, Would.MAY_RUN})
_UNKNOWN = Result("unknown")


class Foresight:
    """Judges states before anything is evaluated, parents first.

    No check is called: where a state depends on the value of another that would be evaluated, it is judged as
    if that gave the same as last time. Lazy parents count when they were asked last time.

    :param force: names of states that are evaluated even when they are up to date.
    :param known: values of states, by name: their children are judged by these.
    """

    def __init__(
        self,
        graph: StateGraph,
        tracker: Tracker | None,
        parameters: Parameters,
        *,
        force: Collection[str] = (),
        known: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self._graph, self._tracker, self._parameters = graph, tracker, parameters
        self._force, self._known = force, known
        self._previews: dict[str, Preview] = {}
        self._certain: dict[str, Result] = {}  # of which nothing new can come

    def of(self, targets: Iterable[str]) -> tuple[Preview, ...]:
        """Return what reaching `targets` would do, parents first.

        :raises UnknownStateError: a target names no state.
        :raises ParamsError: the parameters of a state that is needed are missing or wrong.
        """
        planned = plan(self._graph, targets, parents=self._parents)
        self._parameters.prepare(planned)
        for state in planned:
            if self._tracker is None or (not state.is_tracked and state.name not in self._known):
                self._previews[state.name] = Preview(state, Would.ALWAYS)
            elif state.name in self._known:
                self._add_known(state, self._tracker)
            else:
                self._add_tracked(state, self._tracker)
        _add_those_whose_values_are_wanted(self._previews)
        return tuple(self._previews.values())

    def _parents(self, state: AnyState) -> Sequence[str]:
        asked = self._tracker.asked(state) if self._tracker else ()
        return (*state.eager_parents, *asked)

    def _add_known(self, state: AnyState, tracker: Tracker) -> None:
        parents = {name: self._certain[name] for name in self._parents(state) if name in self._certain}
        params = self._parameters.values_of(state)
        self._certain[state.name] = tracker.result(state, self._known[state.name], parents, params)
        self._previews[state.name] = Preview(state, Would.ALWAYS)

    def _add_tracked(self, state: AnyState, tracker: Tracker) -> None:
        verdict = self._verdict(state, tracker)
        if state.name in self._force:
            verdict = verdict.because(Change("forced", state.name))
        through = tuple(name for name in self._parents(state) if name not in self._certain)
        is_open = bool(state.check) or any(self._previews[name].would in _UNCERTAIN for name in through)
        would = Would.RUN if _runs(state, verdict) else Would.MAY_RUN if is_open else Would.SKIP
        lacks_value = would is not Would.RUN and not verdict.has_value and _is_wanted(self._graph, state)
        since = 0 if verdict.record is None or verdict.is_first else verdict.record.ended
        self._previews[state.name] = Preview(state, would, verdict.reasons, through, lacks_value, since)
        if would is Would.SKIP and not through and verdict.record is not None:
            self._certain[state.name] = Result(verdict.record.result, verdict.record.value)

    def _verdict(self, state: AnyState, tracker: Tracker) -> Verdict:
        last = tracker.recorded(state)
        parents = {
            name: self._certain.get(name) or last.get(name) or _UNKNOWN for name in self._parents(state)
        }
        return tracker.judge(state, self._parameters.values_of(state), parents)


def _runs(state: AnyState, verdict: Verdict) -> bool:
    return not verdict.up_to_date and not (state.check and verdict.is_first)


def _is_wanted(graph: StateGraph, state: AnyState) -> bool:
    """Return whether the function of any other state gets the value of `state`."""
    return any(state.name in values_wanted(graph[child]) for child in graph.children(state.name))


def _values_needed(preview: Preview) -> list[str]:
    """Return the names of the parents whose values are needed in any case: by the function or the check."""
    state = preview.state
    wanted = values_wanted(state)
    if preview.would in (Would.RUN, Would.ALWAYS):
        return wanted
    parameters = inspect.signature(state.check).parameters if state.check else {}
    return [
        argument.parent
        for argument in state.arguments
        if argument.name in parameters and argument.parent in wanted
    ]


def _add_those_whose_values_are_wanted(foreseen: dict[str, Preview]) -> None:
    """Let those run that are up to date, but have no value for one that needs it."""
    for child in reversed([each.state.name for each in foreseen.values()]):
        for name in _values_needed(foreseen[child]):
            parent = foreseen[name]
            if parent.lacks_value:
                reasons = (*parent.reasons, Change("value", name))
                foreseen[name] = replace(parent, would=Would.RUN, reasons=reasons)
