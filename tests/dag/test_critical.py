"""The critical path is the chain of states that took longest together."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from groundup.dag import Outcome, Status, plan
from groundup.dag.critical import critical_path
from tests.dag.graphs import Adjacency, adjacencies, graph_of


def outcomes(adjacency: Adjacency, seconds: dict[str, float]) -> list[Outcome]:
    """Outcomes of a run of all states, parents first."""
    graph = graph_of(adjacency)
    return [Outcome(state, Status.OK, seconds=seconds[state.name]) for state in plan(graph, adjacency)]


def longest(adjacency: Adjacency, seconds: dict[str, float], name: str) -> float:
    """The same by its definition."""
    return seconds[name] + max((longest(adjacency, seconds, p) for p in adjacency[name]), default=0.0)


def test_it_is_the_longest_chain_not_the_slowest_state() -> None:
    adjacency = {"slow": [], "a": [], "b": ["a"], "c": ["b", "slow"]}
    seconds = {"slow": 3.0, "a": 2.0, "b": 2.0, "c": 1.0}
    path = critical_path(outcomes(adjacency, seconds))
    assert [outcome.state.name for outcome in path] == ["a", "b", "c"]


def test_a_run_of_nothing_has_none() -> None:
    assert critical_path([]) == ()


@given(adjacencies(), st.data())
def test_no_chain_of_parents_took_longer(adjacency: dict[str, list[str]], data: st.DataObject) -> None:
    seconds = {name: float(data.draw(st.integers(0, 9), label=name)) for name in adjacency}
    path = critical_path(outcomes(adjacency, seconds))
    names = [outcome.state.name for outcome in path]
    assert all(parent in adjacency[child] for parent, child in pairwise(names))
    assert sum(outcome.seconds for outcome in path) == max(longest(adjacency, seconds, n) for n in adjacency)
