"""A graph as a tree for people and as data for machines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from groundup.dag import UnknownStateError, state
from groundup.dag.graph import StateGraph
from groundup.dag.rendering import draw_tree, graph_data, graph_tree
from tests.dag.graphs import adjacencies, ancestors, graph_of

DIAMOND = {"top": [], "left": ["top"], "right": ["top"], "end": ["left", "right"], "apart": []}


def test_the_tree_leads_from_targets_to_parents() -> None:
    assert list(graph_tree(graph_of(DIAMOND), ["end"])) == [
        "end",
        "├─ left",
        "│  └─ top",
        "└─ right",
        "   └─ top",
    ]


def test_without_targets_it_shows_all() -> None:
    assert list(graph_tree(graph_of(DIAMOND)))[-1] == "apart"


def test_a_state_that_comes_up_again_is_not_unfolded_again() -> None:
    graph = graph_of({"a": [], "b": ["a"], "c": ["b"], "d": ["b"], "e": ["c", "d"]})
    assert list(graph_tree(graph, ["e"])) == ["e", "├─ c", "│  └─ b", "│     └─ a", "└─ d", "   └─ b …"]


def test_an_unknown_target_is_an_error() -> None:
    with pytest.raises(UnknownStateError):
        list(graph_tree(graph_of(DIAMOND), ["x"]))
    with pytest.raises(UnknownStateError):
        graph_data(graph_of(DIAMOND), ["x"])


@given(adjacencies())
def test_every_state_is_in_the_tree(adjacency: dict[str, list[str]]) -> None:
    drawn = {line.lstrip("│├└─ ").removesuffix(" …") for line in graph_tree(graph_of(adjacency))}
    assert drawn == set(adjacency)


def test_further_lines_of_a_name_stand_beside_the_rail() -> None:
    lines = draw_tree(["a"], lambda name: ([name, "more"], ["b", "c"] if name == "a" else []))
    assert list(lines) == ["a", "│  more", "├─ b", "│     more", "└─ c", "      more"]


def test_a_tree_of_two_thousand_levels_needs_no_recursion() -> None:
    steps = {f"s{number}": [f"s{number + 1}"] for number in range(2_000)} | {"s2000": []}
    assert sum(1 for _ in draw_tree(["s0"], lambda name: ([name], steps[name]))) == 2_001


def test_the_data_describes_each_state_and_is_json() -> None:
    @state
    def first() -> None:
        """Comes first."""

    data = graph_data(StateGraph([first]))
    assert json.loads(json.dumps(data)) == [
        {
            "name": "first",
            "parents": [],
            "description": "Comes first.",
            "file": __file__,
            "line": first.line,
        }
    ]


@given(adjacencies())
def test_the_data_of_a_target_is_what_it_needs(adjacency: dict[str, list[str]]) -> None:
    for name in adjacency:
        listed = {entry["name"] for entry in graph_data(graph_of(adjacency), [name])}
        assert listed == {name} | ancestors(adjacency, name)
