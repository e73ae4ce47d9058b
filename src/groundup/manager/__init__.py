"""The state manager: stores flows, hands node states to workers, and decides what follows.

``engine`` decides, ``store`` keeps, ``operations`` join the two in transactions, ``api`` speaks HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.manager.embedded import EmbeddedManager
    from groundup.manager.errors import ManagerError, ManagerInUseError

__all__ = ["EmbeddedManager", "ManagerError", "ManagerInUseError"]

_HOMES = {"EmbeddedManager": "embedded", "ManagerError": "errors", "ManagerInUseError": "errors"}


def __getattr__(name: str) -> Any:
    """Public names, imported when they are first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
