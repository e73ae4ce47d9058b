"""A fresh user in this process: an empty home, groundup's data in it, one small index, the real uv."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from groundup import proto_kernel
from tests.support.index import IndexServer
from tests.support.process import clean_env
from tests.support.session import session_folder
from tests.support.wheels import build_wheel


@dataclass(frozen=True)
class User:
    """Who calls: `home` is the home folder, `data` is groundup's, `env` the variables."""

    home: Path
    data: Path
    env: dict[str, str]
    index: IndexServer

    def script(self, text: str | bytes, name: str = "hello.py") -> Path:
        """Write a script into the home folder; return its path."""
        path = self.home / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


def requiring(*requirements: str, python: str = "") -> str:
    """Return a script block that declares `requirements`."""
    lines = ["# /// script", f"# dependencies = {list(requirements)!r}"]
    lines += [f"# requires-python = {python!r}"] if python else []
    return "\n".join([*lines, "# ///", ""])


@pytest.fixture(scope="session")
def uv() -> Path:
    """The uv that the kernel finds, fetched once a session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDUP_HOME", str(session_folder() / "groundup"))
        return Path(proto_kernel.find_uv())


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels: `alpha` 1.0 and 1.1, `beta` that needs alpha and has a console script, `gamma`, and `elsewhere`
    that is for another platform.
    """
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "1.1"):
        build_wheel(folder, "alpha", version)
    modules = {"beta.py": "import alpha\ndef main(): print('beta with alpha', alpha.VERSION)\n"}
    build_wheel(folder, "beta", modules=modules, requires=["alpha"], scripts={"beta": "beta:main"})
    build_wheel(folder, "gamma")
    build_wheel(folder, "elsewhere", tag="py3-none-win_arm64")
    return folder


@pytest.fixture(scope="session")
def small_index(wheels: Path) -> Iterator[IndexServer]:
    """An index that serves `wheels`."""
    with IndexServer(wheels) as server:
        yield server


@pytest.fixture
def user(tmp_path: Path, small_index: IndexServer, uv: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    """A fresh user, whose variables are those of this process during the test."""
    home = tmp_path / "home"
    env = clean_env(home, UV_DEFAULT_INDEX=small_index.url, GROUNDUP_HOME=str(tmp_path / "groundup"))
    env["PATH"] = f"{uv.parent}{os.pathsep}{env['PATH']}"
    become_user(env, monkeypatch)
    return User(home, tmp_path / "groundup", env, small_index)


def become_user(env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `env` the variables of this process; the session's own are kept beside them."""
    for name in set(os.environ) - set(env):
        if not name.startswith(("PYTEST_", "GROUNDUP_TEST", "COV_")):
            monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
