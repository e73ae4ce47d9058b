"""The built-in states, a module per domain. What a state needs to import, it imports when it is evaluated."""

from __future__ import annotations

from types import ModuleType

from groundup.dag import StateGraph


def builtin_modules() -> tuple[ModuleType, ...]:
    """Return the modules whose states are built in."""
    from groundup.states import (
        checks,
        environment,
        execution,
        git_hooks,
        gitignore,
        kernel,
        polling,
        quickstart,
        step,
    )

    return environment, kernel, git_hooks, gitignore, checks, execution, step, polling, quickstart


def builtin_graph() -> StateGraph:
    """Return the graph of all built-in states."""
    return StateGraph.from_modules(*builtin_modules())
