"""A graph as text: a tree for people, plain data for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from groundup.dag.graph import StateGraph
from groundup.dag.planner import plan

FORK, LAST, PIPE, BLANK = "├─ ", "└─ ", "│  ", "   "


def draw_tree(
    roots: Sequence[str], expand: Callable[[str], tuple[Sequence[str], Sequence[str]]]
) -> Iterator[str]:
    """Yield the lines of a tree.

    :param expand: called once for each place in the tree, top down: the lines of a name, at least one, and
        the names under it.
    """
    open_ = [(name, "", "") for name in reversed(roots)]
    while open_:
        name, first, rest = open_.pop()
        lines, below = expand(name)
        yield first + lines[0]
        yield from (rest + (PIPE if below else BLANK) + line for line in lines[1:])
        for position, child in enumerate(reversed(below)):
            fork, rail = (FORK, PIPE) if position else (LAST, BLANK)
            open_.append((child, rest + fork, rest + rail))


def graph_tree(graph: StateGraph, targets: Iterable[str] = ()) -> Iterator[str]:
    """Yield the lines of a tree from `targets` (default: what no other state needs) up to their parents.

    Where a state comes up again, ``…`` stands for its parents.

    :raises UnknownStateError: a target names no state.
    """
    drawn: set[str] = set()

    def expand(name: str) -> tuple[Sequence[str], Sequence[str]]:
        parents = graph.parents(name)
        if name in drawn and parents:
            return [f"{name} …"], []
        drawn.add(name)
        return [name], parents

    return draw_tree([graph[name].name for name in targets] or graph.ends, expand)


def graph_data(graph: StateGraph, targets: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return the states that `targets` need (default: all), parents first, as data for JSON.

    Each has ``name``, ``parents``, ``description``, ``file`` and ``line``.

    :raises UnknownStateError: a target names no state.
    """
    names = list(targets) or list(graph.ends)
    return [
        {
            "name": state.name,
            "parents": list(state.parents),
            "description": state.description,
            "file": state.file,
            "line": state.line,
        }
        for state in plan(graph, names)
    ]
