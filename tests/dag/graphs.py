"""Graphs of states for tests: made from plain adjacency, and drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hypothesis import strategies as st

from groundup.dag import AnyState, State, StateGraph
from groundup.dag.annotations import UNKNOWN
from groundup.dag.arguments import Argument, Kind

Adjacency = Mapping[str, Sequence[str]]


def named(name: str, *parents: str, does: Callable[..., object] = lambda **_: None) -> AnyState:
    """Return a state whose function gets the values of `parents` by name."""
    values = tuple(Argument(parent, Kind.VALUE, parent, UNKNOWN) for parent in parents)
    return State(name, does, values, file="states.py", line=1)


def graph_of(adjacency: Adjacency, does: Callable[[str], object] = lambda name: name) -> StateGraph:
    """Return a graph from name → parents; evaluating a state calls `does` with its name."""
    return StateGraph(
        named(name, *parents, does=lambda _name=name, **_: does(_name)) for name, parents in adjacency.items()
    )


@st.composite
def adjacencies(draw: st.DrawFn, most: int = 12) -> dict[str, list[str]]:
    """Draw a graph without cycles, its states in any order."""
    size = draw(st.integers(1, most))
    names = [f"s{number}" for number in range(size)]
    parents = {
        name: draw(st.lists(st.sampled_from(names[:number]), unique=True)) if number else []
        for number, name in enumerate(names)
    }
    return {name: parents[name] for name in draw(st.permutations(names))}


def ancestors(adjacency: Adjacency, name: str) -> set[str]:
    """Return the names that `name` needs, directly or not."""
    found: set[str] = set()
    for parent in adjacency[name]:
        found |= {parent} | ancestors(adjacency, parent)
    return found
