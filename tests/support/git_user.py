"""Fixtures: a user of git with a repository, and environments that have managers of hooks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from groundup.config import Config
from tests.support.git import git_environment, new_repository
from tests.support.process import run_kernel
from tests.support.repositories import repository


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a fresh user, whose variables this process has."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in git_environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "home"


@pytest.fixture
def repo(tmp_path: Path, home: Path) -> Path:
    """A git repository with one commit."""
    return new_repository(tmp_path / "a repo")


@pytest.fixture
def config(repo: Path) -> Config:
    """The configuration of `repo`, whose environment is not there."""
    return Config(root=repo, venv=repo / ".venv")


@pytest.fixture(scope="session")
def venvs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Environments that the kernel made: with `prek`, with `pre-commit`, with `both`."""
    folder = tmp_path_factory.mktemp("managers")
    wanted = {"prek": ["prek"], "pre-commit": ["pre-commit"], "both": ["prek", "pre-commit"]}
    for name, dependencies in wanted.items():
        run_kernel(repository(folder / name, dependencies=dependencies), "run", "--", "true", check=True)
    return {name: folder / name / ".venv" for name in wanted}
