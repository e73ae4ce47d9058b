"""For tests of states: reach one with stand-ins for its parents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from groundup.dag.errors import InvalidStateError
from groundup.dag.graph import StateGraph
from groundup.dag.replacing import REPLACED
from groundup.dag.runner import Runner
from groundup.dag.state import AnyState, State


def reach(
    target: AnyState,
    *,
    overrides: Mapping[str, Any] | None = None,
    states: Iterable[AnyState] = (),
    params: Mapping[str, Any] | None = None,
) -> Any:
    """Evaluate `target` and return its value; nothing is remembered, and it is evaluated in any case.

    States that are generators are ended before this returns; use :class:`Runner` to look at them meanwhile.

    :param overrides: values that stand in for parents, by name.
    :param states: real states that are evaluated as its parents, where `overrides` has no value.
    :param params: parameters of `target`, by key.
    :raises InvalidStateError: `target` is no state.
    :raises UnknownStateError: a parent is in neither.
    :raises ParamsError: `params` are missing or wrong.
    :raises Exception: what a state raised, as it is.
    """
    if not isinstance(target, State):
        raise InvalidStateError(f"{target!r} is no state", hint="give the state itself, not its name")
    given = dict(overrides or {})
    real = [target, *(state for state in states if state.name not in given)]
    wanted = {target.replaces if name == REPLACED else name for name in given} | {target.replaces} - {""}
    stand_ins = wanted - {state.name for state in real if not state.replaces}
    graph = StateGraph([*(State(name, _never, (), file=__file__) for name in sorted(stand_ins)), *real])
    own = {target.name: dict(params)} if params is not None else {}
    with Runner(graph, jobs=1, overrides=_named(target, given), params=own) as runner:
        report = runner.reach(target.name)
    for failure in report.failures:
        if failure.error is not None:
            raise failure.error
    return report.value(target.name)


def _named(target: AnyState, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stand-ins by their names in the graph: that of what `target` replaces is one of its own."""
    return {f"{target.name}.{name}" if name == REPLACED else name: value for name, value in given.items()}


def _never() -> Any:
    """What is a stand-in is not evaluated."""
