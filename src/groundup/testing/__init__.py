"""For tests of nodes and flows: nodes run alone, flows run whole, a state manager in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.nodes.testing import arun_node, run_node
    from groundup.testing.flows import FlowRun, arun_flow, run_flow
    from groundup.testing.memory import InMemoryManager

__all__ = ["FlowRun", "InMemoryManager", "arun_flow", "arun_node", "run_flow", "run_node"]

_HOMES = {
    "FlowRun": "groundup.testing.flows",
    "InMemoryManager": "groundup.testing.memory",
    "arun_flow": "groundup.testing.flows",
    "arun_node": "groundup.nodes.testing",
    "run_flow": "groundup.testing.flows",
    "run_node": "groundup.nodes.testing",
}


def __getattr__(name: str) -> Any:
    """Public names, imported when they are first used: running a node alone needs no manager."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
