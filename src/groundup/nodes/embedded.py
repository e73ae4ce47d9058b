"""The state manager that a runtime uses when none is configured.

This floor of the house does not know the manager. Where nobody says another with
:func:`set_embedded_manager`, it is found by name in a floor that does, and only when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
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

_DEFAULT = ("groundup.states.embedded_manager", "embedded_manager")


def _default() -> AbstractContextManager[EmbeddedManagerLike]:
    module, name = _DEFAULT
    factory: EmbeddedManagerFactory = getattr(import_module(module), name)
    return factory()


_factories: list[EmbeddedManagerFactory | None] = [_default]


def set_embedded_manager(factory: EmbeddedManagerFactory | None) -> None:
    """Say how to start or join the embedded manager; None: there is none."""
    _factories[0] = factory


def embedded_manager() -> EmbeddedManagerFactory | None:
    """How to start or join the embedded manager; None where there is none."""
    return _factories[0]
