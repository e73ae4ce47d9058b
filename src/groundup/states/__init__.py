"""The built-in states, a module per domain. What a state needs to import, it imports when it is evaluated."""

from __future__ import annotations

from groundup.dag import StateGraph


def builtin_graph() -> StateGraph:
    """Return the graph of all built-in states."""
    from groundup.states import environment, quickstart

    return StateGraph.from_modules(environment, quickstart)
