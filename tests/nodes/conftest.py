"""A manager and ways to run workers against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundup.manager import EmbeddedManager
from groundup.nodes import set_embedded_manager
from groundup.nodes.embedded import embedded_manager


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[EmbeddedManager]:
    with EmbeddedManager(tmp_path / "manager.db") as served:
        yield served


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No address of a manager from outside."""
    monkeypatch.delenv("EXOSPHERE_STATE_MANAGER_URI", raising=False)
    monkeypatch.delenv("EXOSPHERE_API_KEY", raising=False)
    before = embedded_manager()
    set_embedded_manager(None)
    yield
    set_embedded_manager(before)
