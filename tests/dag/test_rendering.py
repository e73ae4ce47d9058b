"""A graph as a tree for people and as data for machines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from pydantic import BaseModel

from groundup.dag import Lazy, Params, UnknownStateError, state
from groundup.dag.graph import StateGraph
from groundup.dag.rendering import draw_tree, graph_tree, selected, state_data
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
        selected(graph_of(DIAMOND), ["x"])
    with pytest.raises(UnknownStateError):
        list(graph_tree(graph_of(DIAMOND), ["x"], children=True))


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


class Size(BaseModel):
    width: int
    height: int = 1


@state
def first() -> int:
    """Comes first.

    Nothing is before it.
    """
    return 1


@state
def perhaps() -> int:
    return 2


@state(needs=["last"], inputs=["a/*"], outputs=["b"], replaces="painted")
def painter(first: int, perhaps: Lazy[int], size: Params[Size]) -> int:
    return perhaps.get() * size.width


@state
def painted() -> int:
    return 0


@state
def last() -> None:
    """Is not wanted for its value."""


DECLARED = StateGraph([first, perhaps, painted, painter, last])


def test_the_data_says_what_is_declared_of_a_state_and_is_json() -> None:
    data = {state.name: json.loads(json.dumps(state_data(state))) for state in DECLARED}
    assert data["painted"] == {
        "name": "painted",
        "description": "",
        "parents": ["first", "perhaps", "last"],
        "lazy": ["perhaps"],
        "needs": ["last"],
        "params": ["width", "height"],
        "inputs": ["a/*"],
        "outputs": ["b"],
        "tracked": True,
        "unused": ["first"],
        "file": __file__,
        "line": painter.line,
        "replaces": {"file": __file__, "line": painted.line},
    }
    assert data["first"]["description"] == "Comes first.\n\nNothing is before it."
    assert (data["first"]["tracked"], data["first"]["replaces"]) == (False, None)


def test_lazy_parents_are_shown_as_such() -> None:
    assert list(graph_tree(DECLARED, ["painted"])) == [
        "painted",
        "├─ first",
        "├─ perhaps (lazy)",
        "└─ last",
    ]
    assert list(graph_tree(DECLARED, ["perhaps"], children=True)) == ["perhaps", "└─ painted (lazy)"]


def test_the_tree_of_children_leads_to_those_who_need_a_state() -> None:
    graph = graph_of(DIAMOND)
    assert list(graph_tree(graph, ["top"], children=True)) == [
        "top",
        "├─ left",
        "│  └─ end",
        "└─ right",
        "   └─ end",
    ]
    assert list(graph_tree(graph, children=True))[-1] == "apart"


@given(adjacencies())
def test_what_needs_a_state_is_selected_parents_first(adjacency: dict[str, list[str]]) -> None:
    graph = graph_of(adjacency)
    for name in adjacency:
        names = [state.name for state in selected(graph, [name], children=True)]
        assert set(names) == {other for other in adjacency if name in {other} | ancestors(adjacency, other)}
        place = {each: number for number, each in enumerate(names)}
        assert all(
            place[parent] < place[each] for each in names for parent in adjacency[each] if parent in place
        )


@given(adjacencies())
def test_what_is_selected_for_a_target_is_what_it_needs(adjacency: dict[str, list[str]]) -> None:
    for name in adjacency:
        listed = {state.name for state in selected(graph_of(adjacency), [name])}
        assert listed == {name} | ancestors(adjacency, name)
