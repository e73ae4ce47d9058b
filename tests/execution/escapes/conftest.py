"""A caller with secrets, for all attacks the same: what scripts need is made once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execution.escapes.world import World, a_world
from tests.support.process import clean_env
from tests.support.users import become_user, uv

__all__ = ["uv"]


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory, uv: Path) -> Iterator[Path]:
    """The caller's home; the caller's variables have a secret."""
    folder = tmp_path_factory.mktemp("caller")
    env = clean_env(folder / "home", GROUNDUP_HOME=str(folder / "groundup"), GROUNDUP_TEST_SECRET="secret")
    env["PATH"] = f"{uv.parent}:{env['PATH']}"
    with pytest.MonkeyPatch.context() as patch:
        become_user(env, patch)
        yield folder / "home"


@pytest.fixture
def world(home: Path) -> Iterator[World]:
    """What an attack is let loose on; not in ``/tmp``, of which a script has one of its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, a_world(home, Path(folder)) as made:
        yield made
