"""What a run would do, and why, without doing it."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from groundup.dag.planner import plan, values_wanted
from groundup.dag.uptodate import Change, Result

if TYPE_CHECKING:
    from groundup.dag.graph import StateGraph
    from groundup.dag.params.planned import Parameters
    from groundup.dag.state import AnyState
    from groundup.dag.uptodate import Tracker, Verdict


class Would(Enum):
    """What a run would do with a state.

    MAY_RUN: it is up to date unless a parent that would be evaluated gives something new, or its own check
    says that it is not satisfied.
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


def preview(
    graph: StateGraph,
    targets: Iterable[str],
    tracker: Tracker | None,
    parameters: Parameters,
    force: Collection[str] = (),
) -> tuple[Preview, ...]:
    """Return what reaching `targets` would do, parents first.

    Nothing is evaluated and no check is called: where a state depends on the value of another that would be
    evaluated, it is judged as if that gave the same as last time. Lazy parents count when they were asked
    last time.

    :raises UnknownStateError: a target names no state.
    :raises ParamsError: the parameters of a state that is needed are missing or wrong.
    """
    asked = tracker.asked if tracker else lambda _: ()
    planned = plan(graph, targets, parents=lambda state: (*state.eager_parents, *asked(state)))
    parameters.prepare(planned)
    foreseen: dict[str, Preview] = {}
    results: dict[str, Result] = {}
    for state in planned:
        if tracker is None or not state.is_tracked:
            foreseen[state.name] = Preview(state, Would.ALWAYS)
            continue
        parents = (*state.eager_parents, *asked(state))
        verdict = _foreseen(state, tracker, parameters, {n: results[n] for n in parents if n in results})
        if state.name in force:
            verdict = verdict.because(Change("forced", state.name))
        through = tuple(name for name in parents if foreseen[name].would in _UNCERTAIN)
        foreseen[state.name] = _preview(state, verdict, through, is_wanted=_is_wanted(graph, state))
        if foreseen[state.name].would is Would.SKIP and verdict.record is not None:
            results[state.name] = Result(verdict.record.result, verdict.record.value)
    _add_those_whose_values_are_wanted(foreseen)
    return tuple(foreseen.values())


_UNCERTAIN = frozenset({Would.RUN, Would.MAY_RUN})
_UNKNOWN = Result("unknown")


def _foreseen(
    state: AnyState, tracker: Tracker, parameters: Parameters, settled: dict[str, Result]
) -> Verdict:
    """Judge a state before its parents are settled: as if they gave what they gave last time."""
    last = tracker.recorded(state)
    wanted = (*state.eager_parents, *tracker.asked(state))
    parents = {name: settled.get(name) or last.get(name) or _UNKNOWN for name in wanted}
    return tracker.judge(state, parameters.values_of(state), parents)


def _preview(state: AnyState, verdict: Verdict, through: tuple[str, ...], *, is_wanted: bool) -> Preview:
    since = 0 if verdict.record is None or verdict.is_first else verdict.record.ended
    if not verdict.up_to_date and not (state.check and verdict.is_first):
        return Preview(state, Would.RUN, verdict.reasons, through, since=since)
    would = Would.MAY_RUN if through or state.check else Would.SKIP
    return Preview(state, would, verdict.reasons, through, is_wanted and not verdict.has_value, since)


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
