"""Diagrams: each state and each edge once, whatever the names, in text of the language's grammar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag import Lazy, StateGraph, UnknownStateError, state
from groundup.dag.diagrams import dot, mermaid
from tests.dag.graphs import adjacencies, ancestors, graph_of
from tests.support.diagrams import Read, read_dot, read_mermaid


class Draw(Protocol):
    def __call__(
        self, graph: StateGraph, targets: Iterable[str] = (), *, children: bool = False
    ) -> Iterator[str]: ...


FORMS = [pytest.param(dot, read_dot, id="dot"), pytest.param(mermaid, read_mermaid, id="mermaid")]


# ── what is drawn ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("draw", "read"), FORMS)
@given(adjacency=adjacencies())
def test_every_state_and_every_edge_is_drawn_once(
    draw: Draw, read: Read, adjacency: dict[str, list[str]]
) -> None:
    nodes, edges = read(draw(graph_of(adjacency)))
    assert set(nodes) == set(adjacency)
    assert sorted(edges) == sorted((p, child, "") for child, parents in adjacency.items() for p in parents)


@pytest.mark.parametrize(("draw", "read"), FORMS)
@given(adjacency=adjacencies())
def test_of_a_target_what_it_needs_is_drawn(draw: Draw, read: Read, adjacency: dict[str, list[str]]) -> None:
    graph = graph_of(adjacency)
    for name in adjacency:
        nodes, edges = read(draw(graph, [name]))
        assert set(nodes) == {name} | ancestors(adjacency, name)
        assert {parent for parent, _, _ in edges} <= set(nodes)
        nodes, edges = read(draw(graph, [name], children=True))
        assert set(nodes) == {each for each in adjacency if name in {each} | ancestors(adjacency, each)}
        assert {parent for parent, _, _ in edges} | {child for _, child, _ in edges} <= set(nodes)


NAMES = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1),
    min_size=2,
    max_size=5,
    unique=True,
)


@pytest.mark.parametrize(("draw", "read"), FORMS)
@given(names=NAMES)
def test_names_of_any_characters_are_quoted(draw: Draw, read: Read, names: list[str]) -> None:
    first = names[0]
    others = {*names[1:], 'a"b', "a\\", "a.replaced", "end", "graph", "a#b;", "<b>", "[x](y)"} - {first}
    adjacency: dict[str, list[str]] = {first: [], **{name: [first] for name in others}}
    nodes, edges = read(draw(graph_of(adjacency)))
    assert set(nodes) == {first} | others
    assert {child for _, child, _ in edges} == others


@state
def source() -> int:
    return 1


@state
def slow() -> int:
    return 2


@state(needs=["tools"], outputs=["built"])
def built(source: int, slow: Lazy[int]) -> int:
    return source


@state
def tools() -> None: ...


@state(replaces="slow")
def fast(replaced: int) -> int:
    return replaced


KINDS = StateGraph([source, slow, built, tools, fast])


@pytest.mark.parametrize(("draw", "read"), FORMS)
def test_lazy_and_unwanted_parents_are_dashed_and_tracked_states_are_round(draw: Draw, read: Read) -> None:
    nodes, edges = read(draw(KINDS))
    assert nodes == {"source": False, "slow.replaced": False, "slow": False, "tools": False, "built": True}
    assert sorted(edges) == [
        ("slow", "built", "lazy"),
        ("slow.replaced", "slow", ""),
        ("source", "built", ""),
        ("tools", "built", "needs"),
    ]


@pytest.mark.parametrize(("draw", "read"), FORMS)
def test_an_unknown_target_is_an_error(draw: Draw, read: Read) -> None:
    with pytest.raises(UnknownStateError):
        list(draw(KINDS, ["x"]))
