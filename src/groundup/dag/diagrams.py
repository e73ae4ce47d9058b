"""A graph in the languages of programs that draw: Mermaid, and Graphviz's DOT.

Edges lead from parent to child; that of a lazy parent, or of one whose value is not wanted, is dashed and
says so. States that can be up to date have round corners.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from groundup.dag.arguments import Kind
from groundup.dag.graph import StateGraph
from groundup.dag.rendering import selected
from groundup.dag.state import AnyState

LAZY, NEEDS = "lazy", "needs"


def mermaid(graph: StateGraph, targets: Iterable[str] = (), *, children: bool = False) -> Iterator[str]:
    """Yield the lines of a Mermaid flowchart of `targets` (default: all) and what they need.

    :param children: those who need them, instead.
    :raises UnknownStateError: a target names no state.
    """
    states = selected(graph, targets, children=children)
    ids = {state.name: f"s{number}" for number, state in enumerate(states)}
    yield "flowchart LR"
    for state in states:
        opening, closing = ("(", ")") if state.is_tracked else ("[", "]")
        yield f'    {ids[state.name]}{opening}"{_mermaid_text(state.name)}"{closing}'
    for parent, child, label in _edges(states):
        arrow = f"-. {label} .->" if label else "-->"
        yield f"    {ids[parent]} {arrow} {ids[child]}"


def dot(graph: StateGraph, targets: Iterable[str] = (), *, children: bool = False) -> Iterator[str]:
    """Yield the lines of a DOT digraph of `targets` (default: all) and what they need.

    :param children: those who need them, instead.
    :raises UnknownStateError: a target names no state.
    """
    states = selected(graph, targets, children=children)
    yield "digraph states {"
    yield "    rankdir=LR;"
    yield "    node [shape=box];"
    for state in states:
        yield f"    {_dot_text(state.name)}{' [style=rounded]' if state.is_tracked else ''};"
    for parent, child, label in _edges(states):
        style = f" [style=dashed, label={label}]" if label else ""
        yield f"    {_dot_text(parent)} -> {_dot_text(child)}{style};"
    yield "}"


def _edges(states: Iterable[AnyState]) -> Iterator[tuple[str, str, str]]:
    """Yield parent, child and label of each edge between `states`."""
    drawn = {state.name: state for state in states}
    for state in drawn.values():
        values = {argument.parent for argument in state.arguments if argument.kind is Kind.VALUE}
        for parent in state.parents:
            if parent in drawn:
                yield parent, state.name, "" if parent in values else _label(state, parent)


def _label(state: AnyState, parent: str) -> str:
    return NEEDS if parent in state.eager_parents else LAZY


def _mermaid_text(text: str) -> str:
    return re.sub(r"[^\w .-]", lambda found: f"#{ord(found[0])};", text)


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
