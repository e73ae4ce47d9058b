"""A fresh user with a small index, and a place for languages and steps."""

from pathlib import Path

import pytest

from tests.support.users import small_index, user, uv, wheels

__all__ = ["small_index", "user", "uv", "wheels"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, for tests that need no uv: groundup's own data is in it too."""
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path / "groundup"))
    return tmp_path
