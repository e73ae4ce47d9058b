"""A graph as text: a tree for people, plain data for machines."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from groundup.dag.graph import StateGraph
from groundup.dag.planner import plan
from groundup.dag.state import AnyState

FORK, LAST, PIPE, BLANK = "├─ ", "└─ ", "│  ", "   "
LAZY = " (lazy)"

T = TypeVar("T", bound=Hashable)


def draw_tree(roots: Sequence[T], expand: Callable[[T], tuple[Sequence[str], Sequence[T]]]) -> Iterator[str]:
    """Yield the lines of a tree.

    :param expand: called once for each place in the tree, top down: the lines of a root or of what is under
        one, at least one line, and what is under it.
    """
    open_ = [(root, "", "") for root in reversed(roots)]
    while open_:
        place, first, rest = open_.pop()
        lines, below = expand(place)
        yield first + lines[0]
        yield from (rest + (PIPE if below else BLANK) + line for line in lines[1:])
        for position, child in enumerate(reversed(below)):
            fork, rail = (FORK, PIPE) if position else (LAST, BLANK)
            open_.append((child, rest + fork, rest + rail))


def graph_tree(graph: StateGraph, targets: Iterable[str] = (), *, children: bool = False) -> Iterator[str]:
    """Yield the lines of a tree from `targets` (default: what no other state needs) to their parents.

    Where a state comes up again, ``…`` stands for what is under it.

    :param children: lead from `targets` (default: what needs no other state) to those who need them.
    :raises UnknownStateError: a target names no state.
    """
    below = graph.children if children else graph.parents
    drawn: set[str] = set()

    def expand(place: tuple[str, bool]) -> tuple[Sequence[str], Sequence[tuple[str, bool]]]:
        name, lazy = place
        label, further = name + LAZY * lazy, below(name)
        if name in drawn and further:
            return [f"{label} …"], []
        drawn.add(name)
        return [label], [(other, _is_lazy(graph, name, other, children)) for other in further]

    return draw_tree([(name, False) for name in _roots(graph, targets, children)], expand)


def selected(
    graph: StateGraph, targets: Iterable[str] = (), *, children: bool = False
) -> tuple[AnyState, ...]:
    """Return `targets` (default: all states) and what they need, lazy parents included, parents first.

    :param children: `targets` and those who need them, instead.
    :raises UnknownStateError: a target names no state.
    """
    roots = _roots(graph, targets, children)
    if not children:
        return plan(graph, roots, parents=_all_parents)
    import networkx

    below = graph.to_networkx()
    wanted = {*roots}.union(*(networkx.descendants(below, root) for root in roots))
    return tuple(state for state in plan(graph, graph.ends, parents=_all_parents) if state.name in wanted)


def state_data(state: AnyState) -> dict[str, Any]:
    """Return what is declared of a state, as data for JSON.

    ``parents`` are all its parents; ``lazy`` those that it may ask for, ``needs`` those whose values it does
    not want. ``unused`` are parameters that its function never uses.
    """
    from groundup.dag.params.models import takes
    from groundup.dag.unused import unused_arguments

    return {
        "name": state.name,
        "description": state.description,
        "parents": list(state.parents),
        "lazy": [parent for parent in state.parents if parent not in state.eager_parents],
        "needs": list(state.needs),
        "params": list(takes(state.params.wanted)) if state.params else [],
        "inputs": list(state.inputs),
        "outputs": list(state.outputs),
        "tracked": state.is_tracked,
        "unused": list(unused_arguments(state)),
        "file": state.file,
        "line": state.line,
        "replaces": {"file": state.replaced.file, "line": state.replaced.line} if state.replaced else None,
    }


def _roots(graph: StateGraph, targets: Iterable[str], children: bool) -> Sequence[str]:
    named = [graph[name].name for name in targets]
    if named or not children:
        return named or graph.ends
    return [state.name for state in graph if not state.parents]


def _is_lazy(graph: StateGraph, name: str, other: str, children: bool) -> bool:
    parent, child = (name, other) if children else (other, name)
    return parent not in graph[child].eager_parents


def _all_parents(state: AnyState) -> Iterable[str]:
    return state.parents
