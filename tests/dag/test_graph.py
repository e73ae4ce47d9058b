"""The graph: complete and free of cycles before anything runs, or an error that says where."""

from __future__ import annotations

import re
import sys
import types
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from groundup.dag import (
    CycleError,
    DuplicateStateError,
    InvalidStateError,
    StateGraph,
    UnknownStateError,
    state,
)
from tests.dag.graphs import Adjacency, adjacencies, graph_of, named


@state
def first() -> int:
    return 1


@state
def second(first: int) -> int:
    return first + 1


def test_states_are_found_by_name_in_the_order_given() -> None:
    graph = StateGraph([second, first])
    assert [each.name for each in graph] == ["second", "first"]
    assert graph["first"] is first
    assert "second" in graph
    assert "third" not in graph
    assert len(graph) == 2


def test_it_knows_who_needs_whom() -> None:
    graph = StateGraph([first, second])
    assert graph.parents("second") == ("first",)
    assert graph.children("first") == ("second",)
    assert graph.ends == ("second",)


def test_modules_give_their_states_and_a_shared_one_counts_once() -> None:
    this = sys.modules[__name__]
    other = types.ModuleType("other")
    other.__dict__.update(first=first, third=named("third", "second"), number=3)
    assert [each.name for each in StateGraph.from_modules(this, other)] == ["first", "second", "third"]


def test_two_states_of_one_name_are_an_error_with_both_places() -> None:
    twin = state(lambda: 2, name="first")
    with pytest.raises(DuplicateStateError) as caught:
        StateGraph([first, twin])
    assert first.source in str(caught.value)
    assert twin.source in str(caught.value)


def test_an_unknown_parent_is_an_error_with_place_and_nearest_name() -> None:
    stray = named("stray", "frist")
    with pytest.raises(UnknownStateError, match=r"named frist, which stray \(states.py:1\) needs") as caught:
        StateGraph([first, stray])
    assert caught.value.hint == "did you mean first?"


def test_an_unknown_name_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(UnknownStateError, match="no state named secnod") as caught:
        StateGraph([first, second])["secnod"]
    assert caught.value.hint == "did you mean second?"


def test_a_name_like_no_other_points_to_the_list() -> None:
    with pytest.raises(UnknownStateError) as caught:
        StateGraph([first])["zzz"]
    assert "groundup states" in caught.value.hint


@pytest.mark.parametrize(
    "adjacency",
    [
        {"a": ["a"]},
        {"a": ["b"], "b": ["c"], "c": ["a"]},
        {"root": [], "a": ["root", "b"], "b": ["a"], "leaf": ["b"]},
    ],
)
def test_a_cycle_is_shown_as_its_path(adjacency: Adjacency) -> None:
    with pytest.raises(CycleError) as caught:
        graph_of(adjacency)
    path = caught.value.path
    assert path[0] == path[-1]
    assert len(set(path)) == len(path) - 1
    assert all(parent in adjacency[child] for child, parent in pairwise(path))
    assert "a (states.py:1)" in str(caught.value)


def test_a_cycle_begins_with_the_state_that_was_declared_first() -> None:
    with pytest.raises(CycleError) as caught:
        graph_of({"leaf": ["b"], "a": ["b"], "b": ["c"], "c": ["a"]})
    assert caught.value.path == ["a", "b", "c", "a"]


def test_a_cycle_of_ten_thousand_is_found() -> None:
    size = 10_000
    with pytest.raises(CycleError) as caught:
        graph_of({f"s{number}": [f"s{(number + 1) % size}"] for number in range(size)})
    assert len(caught.value.path) == size + 1


@given(adjacencies())
def test_networkx_sees_the_same_graph(adjacency: dict[str, list[str]]) -> None:
    edges = {(parent, child) for child, parents in adjacency.items() for parent in parents}
    graph = graph_of(adjacency)
    assert set(graph.to_networkx().edges) == edges
    assert set(graph.to_networkx().nodes) == set(adjacency)
    assert {(name, child) for name in adjacency for child in graph.children(name)} == edges


def test_a_method_that_is_no_method_of_an_instance_is_an_error_that_says_what_to_write() -> None:
    class Database:
        @state
        def connection(self) -> None: ...

    with pytest.raises(UnknownStateError) as caught:
        StateGraph([Database.connection])
    assert "state(instance.method)" in caught.value.hint


@pytest.mark.parametrize("other", [3, "ready", len])
def test_what_is_no_state_is_an_error(other: Any) -> None:
    with pytest.raises(InvalidStateError, match=f"{re.escape(repr(other))} is no state"):
        StateGraph([other])
