"""``groundup states [PATTERN] [--long | --json]``: every state, and what brought it into the graph."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Any

from groundup.cli.running import repository
from groundup.config import Config
from groundup.config.provenance import shown
from groundup.dag import AnyState
from groundup.dag.rendering import state_data
from groundup.errors import UserError
from groundup.states.loading import LoadedGraph
from groundup.states.origin import Kind

WILDCARDS = frozenset("*?[")


def states(pattern: str = "", *, long: bool = False, as_json: bool = False) -> int:
    """Write the states whose names match `pattern` (default: all) to stdout, by what brought them.

    :param pattern: a glob pattern, or a part of the name.
    :param long: write everything about each, not one line.
    :raises UserError: the configuration or a module of states is wrong, or no state matches.
    """
    config, graph, _ = repository()
    chosen = matching(graph, pattern)
    if as_json:
        sys.stdout.write(listing_json(graph, chosen) + "\n")
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        lines = _long_lines if long else _short_lines
        sys.stdout.writelines(f"{_cut(line, width)}\n" for line in _grouped(graph, chosen, config, lines))
    return 0


def matching(graph: LoadedGraph, pattern: str) -> list[AnyState]:
    """Return the states whose names match `pattern`, in the order of the graph.

    :raises UserError: there is none.
    """
    whole = pattern if WILDCARDS.intersection(pattern) else f"*{pattern}*"
    found = [state for state in graph if fnmatchcase(state.name, whole)]
    if not found and pattern:
        raise UserError(f"no state matches {pattern}", hint="`groundup states` lists them all")
    return found


def listing_json(graph: LoadedGraph, chosen: Iterable[AnyState]) -> str:
    """Return the states `chosen` as JSON: what is declared of them, and what brought them."""
    return json.dumps({"states": [_data(graph, state) for state in chosen]}, indent=2)


def _data(graph: LoadedGraph, state: AnyState) -> dict[str, Any]:
    data = state_data(state) | {"origin": _origin_data(graph, state)}
    if state.replaced:
        data["replaces"]["origin"] = _origin_data(graph, state.replaced)
    return data


def _origin_data(graph: LoadedGraph, state: AnyState) -> dict[str, str]:
    origin = graph.origin(state)
    return {"kind": origin.kind.value, "module": origin.module, "place": origin.place()}


def _grouped(graph: LoadedGraph, chosen: Sequence[AnyState], config: Config, lines: Any) -> Iterator[str]:
    """Yield the lines of a listing: what brought states into the graph, and under it these, by name."""
    order = list(Kind)
    origins = {state.name: graph.origin(state) for state in chosen}
    titles = {graph.origin(state): _origin(graph, state, config) for state in chosen}

    def place(state: AnyState) -> tuple[int, str]:
        origin = origins[state.name]
        return order.index(origin.kind), titles[origin]

    sorted_ = sorted(chosen, key=lambda state: (*place(state), state.name))
    width = max((len(state.name) for state in chosen), default=0)
    for number, (found, group) in enumerate(groupby(sorted_, key=place)):
        yield from [""] * bool(number)
        yield found[1]
        for state in group:
            yield from (f"  {line}".rstrip() for line in lines(graph, state, config, width))


def _short_lines(graph: LoadedGraph, state: AnyState, config: Config, width: int) -> Iterator[str]:
    replaced = f"(replaces: {_origin(graph, state.replaced, config)})" if state.replaced else ""
    yield "  ".join(part for part in (f"{state.name:{width}}", state.summary, replaced) if part)


def _long_lines(graph: LoadedGraph, state: AnyState, config: Config, _width: int) -> Iterator[str]:
    yield state.name
    yield from (f"    {line}" for line in state.description.splitlines())
    data = state_data(state)
    for label, value in (
        ("needs", _parents(state) or "nothing"),
        ("params", ", ".join(data["params"])),
        ("inputs", _inputs(state, config)),
        ("outputs", ", ".join(state.outputs)),
        ("from", _origin(graph, state, config)),
        ("replaces", _replaced(graph, state, config)),
        ("never uses", ", ".join(data["unused"])),
        ("source", shown(state.source, config.root)),
    ):
        if value:
            yield f"    {label:10}  {value}"


def _inputs(state: AnyState, config: Config) -> str:
    from groundup.dag.uptodate.unmatched import unmatched_inputs

    unmatched = unmatched_inputs(state, config.root)
    return ", ".join(f"{each} (matches nothing)" if each in unmatched else each for each in state.inputs)


def _parents(state: AnyState) -> str:
    lazy = set(state.parents) - set(state.eager_parents)
    return ", ".join(f"{parent} (lazy)" if parent in lazy else parent for parent in state.parents)


def _replaced(graph: LoadedGraph, state: AnyState, config: Config) -> str:
    replaced = state.replaced
    if replaced is None:
        return ""
    return f"{shown(replaced.source, config.root)}, from {_origin(graph, replaced, config)}"


def _origin(graph: LoadedGraph, state: AnyState, config: Config) -> str:
    return shown(str(graph.origin(state)), config.root)


def _cut(line: str, width: int) -> str:
    return line if not width or len(line) <= width else f"{line[: width - 1]}…"
