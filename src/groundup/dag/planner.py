"""Which states have to be evaluated for some targets, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from groundup.dag.arguments import Kind
from groundup.dag.graph import StateGraph
from groundup.dag.state import AnyState


class Known(Protocol):
    """Tells what need not be planned."""

    def __contains__(self, name: str, /) -> bool:
        """Return whether the state `name` is there already."""


def eager(state: AnyState) -> Iterable[str]:
    """Return the names of the parents that are settled before `state`."""
    return state.eager_parents


def values_wanted(state: AnyState) -> list[str]:
    """Return the names of the parents whose values the function of `state` gets."""
    return [argument.parent for argument in state.arguments if argument.kind is Kind.VALUE]


def plan(
    graph: StateGraph,
    targets: Iterable[str],
    known: Known = frozenset(),
    parents: Callable[[AnyState], Iterable[str]] = eager,
) -> tuple[AnyState, ...]:
    """Return the states that `targets` need, parents first, each once; the same input gives the same order.

    Lazy parents are not needed yet: they are planned when they are asked.

    :param known: names of states that are there already: they and what only they need are left out.
    :param parents: names of those that a state needs.
    :raises UnknownStateError: a target names no state.
    """
    planned: dict[str, AnyState] = {}
    open_: list[tuple[AnyState, bool]] = [(graph[name], False) for name in reversed(list(targets))]
    while open_:
        state, parents_planned = open_.pop()
        if state.name in planned or state.name in known:
            continue
        if parents_planned:
            planned[state.name] = state
        else:
            open_.append((state, True))
            open_.extend((graph[name], False) for name in reversed(list(parents(state))))
    return tuple(planned.values())
