"""Calls to the repository's state manager: for commands, which reach ``state_manager_ready`` for them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from groundup.cli.extras import needing
from groundup.cli.running import Options, held, repository
from groundup.dag import StateGraph
from groundup.dag.arguments import Kind
from groundup.dag.params.source import ParamSource, Path
from groundup.dag.replacing import REPLACED
from groundup.errors import UserError

if TYPE_CHECKING:
    from groundup.nodes import StateManager

T = TypeVar("T")
TARGET = "state_manager_ready"


def call(namespace: str, work: Callable[[StateManager], Awaitable[T]]) -> T:
    """Return what ``work`` gives for a client of the state manager: the configured or the embedded one.

    :raises GroundupError: there is no manager, or it refuses.
    """
    check_extra()
    with held([TARGET], Options(captures=False)) as report:
        manager = report.value(TARGET)
        return asyncio.run(_worked(namespace, manager.uri, manager.key, work))


async def _worked(namespace: str, uri: str, key: str, work: Callable[[StateManager], Awaitable[T]]) -> T:
    from groundup.nodes.client import StateManager

    async with StateManager(namespace, uri, key) as client:
        return await work(client)


def params_of(
    tables: Mapping[str, Mapping[str, Any]], origin: Callable[[Path], str] = lambda _path: "this command"
) -> ParamSource:
    """Return parameters for built-in states; what replaces one and takes none leaves them to it."""
    graph = repository().graph
    given = {_taker(graph, name): table for name, table in tables.items() if table}
    return ParamSource(given, origin)


def _taker(graph: StateGraph, name: str) -> str:
    """Return the name of the state that takes the parameters of ``name``."""
    taker = name
    while not any(argument.kind is Kind.PARAMS for argument in graph[taker].arguments):
        taker = f"{taker}.{REPLACED}"
        if taker not in graph:
            return name
    return taker


def check_extra() -> None:
    """:raises UserError: what flows need is not installed."""
    with needing("flow", "nodes"):
        import aiohttp
        import dotenv

        del aiohttp, dotenv


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Return texts ``NAME=VALUE`` as a table.

    :raises UserError: one has another form, or stands twice.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or name in found:
            what = "is there already" if name in found else "is not NAME=VALUE"
            hint = f"such as {option} name=value, once for each name"
            raise UserError(f"{option} {text!r} {what}", hint=hint)
        found[name] = value
    return found


def write_json(data: Any) -> None:
    """Write data for machines to stdout."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def write_table(rows: Sequence[Sequence[str]]) -> None:
    """Write rows to stdout, their columns aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
