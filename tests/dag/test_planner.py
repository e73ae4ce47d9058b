"""The plan: everything that the targets need, nothing else, parents first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag import UnknownStateError, plan
from tests.dag.graphs import adjacencies, ancestors, graph_of


def names(*arguments: object, **keywords: object) -> list[str]:
    return [state.name for state in plan(*arguments, **keywords)]  # type: ignore[arg-type]


@given(adjacencies(), st.data())
def test_each_needed_state_once_and_after_its_parents(
    adjacency: dict[str, list[str]], data: st.DataObject
) -> None:
    targets = data.draw(st.lists(st.sampled_from(sorted(adjacency)), max_size=4))
    order = names(graph_of(adjacency), targets)
    needed = set(targets).union(*(ancestors(adjacency, target) for target in targets))
    assert sorted(order) == sorted(needed)
    for name in order:
        assert all(order.index(parent) < order.index(name) for parent in adjacency[name])


@given(adjacencies())
def test_the_same_graph_gives_the_same_plan(adjacency: dict[str, list[str]]) -> None:
    assert names(graph_of(adjacency), sorted(adjacency)) == names(graph_of(adjacency), sorted(adjacency))


def test_parents_come_in_the_order_of_the_parameters() -> None:
    graph = graph_of({"a": [], "b": [], "c": ["b", "a"]})
    assert names(graph, ["c"]) == ["b", "a", "c"]


def test_what_is_known_and_what_only_it_needs_is_left_out() -> None:
    graph = graph_of({"a": [], "b": ["a"], "c": ["b"], "d": ["c", "a"]})
    assert names(graph, ["c"], known={"b"}) == ["c"]
    assert names(graph, ["d"], known={"b"}) == ["c", "a", "d"]


def test_an_unknown_target_is_an_error() -> None:
    with pytest.raises(UnknownStateError, match="no state named x"):
        plan(graph_of({"a": []}), ["x"])


def test_a_chain_of_ten_thousand_needs_no_recursion() -> None:
    graph = graph_of({f"s{number}": [f"s{number - 1}"] if number else [] for number in range(10_000)})
    assert names(graph, ["s9999"]) == [f"s{number}" for number in range(10_000)]
