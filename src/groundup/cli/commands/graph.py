"""``groundup graph [STATE…] [--format tree|json]`` and ``groundup states [--json]``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from groundup.dag.rendering import graph_data, graph_tree
from groundup.states import builtin_graph


def graph(names: Sequence[str], *, form: str = "tree") -> int:
    """Write what the states `names` (default: all) need to stdout.

    :param form: ``tree`` or ``json``.
    :raises UnknownStateError: a name is unknown.
    """
    states = builtin_graph()
    if form == "json":
        sys.stdout.write(json.dumps({"states": graph_data(states, names)}, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in graph_tree(states, names))
    return 0


def states(*, as_json: bool = False) -> int:
    """Write each state with what it is about, its parents and its source to stdout."""
    if as_json:
        return graph((), form="json")
    for state in sorted(builtin_graph(), key=lambda each: each.name):
        sys.stdout.write(f"{state.name}\n")
        for line in (state.summary, f"needs {', '.join(state.parents) or 'nothing'}", state.source):
            sys.stdout.write(f"    {line}\n")
    return 0
