"""What the pages' reader finds: a fresh home with a clone in it, Python on PATH, a private index."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.pages import CHECKOUT
from tests.docs.reader import World
from tests.docs.shell import Shell
from tests.support.index import IndexServer
from tests.support.process import clean_env, run_kernel
from tests.support.repositories import bare_repository
from tests.support.session import session_folder
from tests.support.wheels import build_wheel, uv_wheel

NOT_CLONED = shutil.ignore_patterns(
    ".git", ".venv*", ".groundup", "__pycache__", ".*_cache", ".hypothesis", "*.pyc", "*.tmp"
)
USER, PASSWORD = "me", "secret"


@pytest.fixture(scope="session")
def private_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    """An index behind basic auth: `orders-client` and the kernel's uv."""
    folder = tmp_path_factory.mktemp("wheels")
    build_wheel(folder, "orders-client", "2.1")
    shutil.copy(uv_wheel(), folder)
    with IndexServer(folder, user=USER, password=PASSWORD) as server:
        yield server


@pytest.fixture(scope="session")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The session's cache holds uv: a page prints the same whether it is the first to run or the last."""
    repo = bare_repository(tmp_path_factory.mktemp("fetched") / "repo")
    run_kernel(repo, "boot", check=True)


@pytest.fixture
def world(tmp_path: Path, private_index: IndexServer, fetched: None) -> World:
    """A fresh home with a clone of this repository in `groundup`."""
    shutil.copytree(CHECKOUT, tmp_path / "home/groundup", ignore=NOT_CLONED)
    return World(tmp_path / "home", private_index.base.partition("://")[2])


@pytest.fixture
def open_shell(world: World, tmp_path: Path) -> Callable[[Path], Shell]:
    """Return a function that opens a fresh user's shell in a folder; `python3` is this Python."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").symlink_to(sys._base_executable)  # type: ignore[attr-defined]
    own = {name: tmp_path / name for name in ("data", "temporary")}  # other pages have projects, too
    own["temporary"].mkdir()
    kept = Path("cache/uv")
    shutil.copytree(session_folder() / "groundup" / kept, own["data"] / kept, copy_function=os.link)
    env = clean_env(world.home, GROUNDUP_HOME=str(own["data"]), TMPDIR=str(own["temporary"]))
    env["PATH"] = f"{programs}{os.pathsep}{env['PATH']}"
    return lambda folder: Shell(env, folder)
