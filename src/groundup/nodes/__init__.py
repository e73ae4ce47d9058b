"""Nodes, the worker runtime that executes them, and the client of the state manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.nodes.base import BaseNode
    from groundup.nodes.client import StateManager
    from groundup.nodes.embedded import set_embedded_manager
    from groundup.nodes.models import (
        CronTrigger,
        GraphNodeModel,
        RetryPolicyModel,
        RetryStrategyEnum,
        RunStatus,
        StateStatus,
        StoreConfigModel,
        UnitesModel,
        UnitesStrategyEnum,
    )
    from groundup.nodes.runtime import Runtime
    from groundup.nodes.signals import PruneSignal, ReQueueAfterSignal

__all__ = [
    "BaseNode",
    "CronTrigger",
    "GraphNodeModel",
    "PruneSignal",
    "ReQueueAfterSignal",
    "RetryPolicyModel",
    "RetryStrategyEnum",
    "RunStatus",
    "Runtime",
    "StateManager",
    "StateStatus",
    "StoreConfigModel",
    "UnitesModel",
    "UnitesStrategyEnum",
    "set_embedded_manager",
]

_HOMES = {
    "BaseNode": "base",
    "PruneSignal": "signals",
    "ReQueueAfterSignal": "signals",
    "Runtime": "runtime",
    "StateManager": "client",
    "set_embedded_manager": "embedded",
}


def __getattr__(name: str) -> Any:
    """Public names, imported when they are first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'models')}"), name)
