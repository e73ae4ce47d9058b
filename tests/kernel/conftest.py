"""What the kernel's tests share: a fetched uv, an index of small wheels, one repository that is ready."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.process import clean_env, run_kernel
from tests.support.repositories import bare_repository, repository
from tests.support.trees import wait_until_settled
from tests.support.wheels import build_wheel, tomli_wheel


@dataclass(frozen=True)
class Ready:
    """A repository whose environment is built, and its user's variables."""

    repo: Path
    env: dict[str, str]


@pytest.fixture(scope="session")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The session's cache holds uv, so that a test's own index needs to serve nothing but its wheels."""
    repo = bare_repository(tmp_path_factory.mktemp("fetched") / "repo")
    run_kernel(repo, "boot", check=True)


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    """An index with tomli, `alpha` 1.0 and 1.1, `beta` that needs alpha, `gamma`, `delta`, `epsilon`."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in ("1.0", "1.1"):
        build_wheel(folder, "alpha", version)
    build_wheel(folder, "beta", requires=["alpha"])
    for name in ("gamma", "delta", "epsilon"):
        build_wheel(folder, name)
    shutil.copy(tomli_wheel(), folder)
    with IndexServer(folder) as server:
        yield server


@pytest.fixture
def env(tmp_path: Path, index: IndexServer, fetched: None) -> dict[str, str]:
    """The variables of a fresh user whose only index is `index`."""
    return clean_env(tmp_path / "home", UV_DEFAULT_INDEX=index.url)


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory, index: IndexServer, fetched: None) -> Ready:
    """A warm repository that tests share and leave as it is: the project `demo`, which needs `beta`."""
    folder = tmp_path_factory.mktemp("ready")
    env = clean_env(folder / "home", UV_DEFAULT_INDEX=index.url)
    repo = repository(folder / "repo", dependencies=["beta"], source="\n\ndef main() -> None:\n    pass\n")
    run_kernel(repo, "boot", env=env, check=True)
    wait_until_settled(repo)
    run_kernel(repo, "run", "true", env=env, check=True)
    return Ready(repo, env)
