"""The state manager that a runtime uses when none is configured.

This floor of the house may not import the manager: whoever may, wires it up with
:func:`set_embedded_manager`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class EmbeddedManagerLike(Protocol):
    """A manager that answers."""

    @property
    def uri(self) -> str:
        """Where it answers."""

    @property
    def key(self) -> str:
        """The API key."""


EmbeddedManagerFactory = Callable[[], AbstractContextManager[EmbeddedManagerLike]]
"""Starts or joins the manager; leaving the context lets go of it."""

_factories: list[EmbeddedManagerFactory] = []


def set_embedded_manager(factory: EmbeddedManagerFactory | None) -> None:
    """Say how to start or join the embedded manager; None: there is none."""
    _factories[:] = [] if factory is None else [factory]


def embedded_manager() -> EmbeddedManagerFactory | None:
    """How to start or join the embedded manager, where somebody said it."""
    return _factories[0] if _factories else None
