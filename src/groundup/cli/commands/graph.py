"""``groundup graph [STATE…] [--format FORM] [--children]``: what states need, or who needs them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from groundup.cli.commands.states import listing_json
from groundup.cli.running import repository
from groundup.dag.rendering import graph_tree, selected
from groundup.states.loading import LoadedGraph

TREE, MERMAID, DOT, JSON = "tree", "mermaid", "dot", "json"


def graph(names: Sequence[str], *, form: str = TREE, children: bool = False) -> int:
    """Write what the states `names` (default: all) need to stdout.

    :param form: ``tree``, ``mermaid``, ``dot`` or ``json``.
    :param children: write who needs them instead.
    :raises UserError: the configuration or a module of states is wrong, or a name is unknown.
    """
    states = repository().graph
    sys.stdout.writelines(f"{line}\n" for line in _lines(states, names, form, children))
    return 0


def _lines(states: LoadedGraph, names: Sequence[str], form: str, children: bool) -> Iterator[str]:
    from groundup.dag.diagrams import dot, mermaid

    if form == JSON:
        return iter([listing_json(states, selected(states, names, children=children))])
    draw = {TREE: graph_tree, MERMAID: mermaid, DOT: dot}[form]
    return draw(states, names, children=children)
