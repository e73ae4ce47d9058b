"""Nodes, the worker runtime that executes them, and the client of the state manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.nodes.base import BaseNode
    from groundup.nodes.client import StateManager
    from groundup.nodes.context import NodeContext, current_context
    from groundup.nodes.embedded import set_embedded_manager
    from groundup.nodes.limits import Limits
    from groundup.nodes.models import (
        ConditionModel,
        CronTrigger,
        GraphNodeModel,
        MissedEnum,
        OverlapEnum,
        RetryPolicyModel,
        RetryStrategyEnum,
        RunStatus,
        StateStatus,
        StoreConfigModel,
        UnitesModel,
        UnitesStrategyEnum,
    )
    from groundup.nodes.run_nodes import ProjectNode, ScriptNode
    from groundup.nodes.runtime import Runtime
    from groundup.nodes.signals import PruneSignal, ReQueueAfterSignal
    from groundup.nodes.step_node import StepNode
    from groundup.nodes.testing import arun_node, run_node

__all__ = [
    "BaseNode",
    "ConditionModel",
    "CronTrigger",
    "GraphNodeModel",
    "Limits",
    "MissedEnum",
    "NodeContext",
    "OverlapEnum",
    "ProjectNode",
    "PruneSignal",
    "ReQueueAfterSignal",
    "RetryPolicyModel",
    "RetryStrategyEnum",
    "RunStatus",
    "Runtime",
    "ScriptNode",
    "StateManager",
    "StateStatus",
    "StepNode",
    "StoreConfigModel",
    "UnitesModel",
    "UnitesStrategyEnum",
    "arun_node",
    "current_context",
    "run_node",
    "set_embedded_manager",
]

_HOMES = {
    "BaseNode": "base",
    "Limits": "limits",
    "NodeContext": "context",
    "ProjectNode": "run_nodes",
    "PruneSignal": "signals",
    "ReQueueAfterSignal": "signals",
    "Runtime": "runtime",
    "ScriptNode": "run_nodes",
    "StateManager": "client",
    "StepNode": "step_node",
    "arun_node": "testing",
    "current_context": "context",
    "run_node": "testing",
    "set_embedded_manager": "embedded",
}


def __getattr__(name: str) -> Any:
    """Public names, imported when they are first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'models')}"), name)
