"""What the tests of the command line share: one booted repository, which they leave as it is."""

from __future__ import annotations

import shutil

import pytest

from tests.support.neo import Neo, neo_repository


@pytest.fixture(scope="session")
def neo(tmp_path_factory: pytest.TempPathFactory) -> Neo:
    """A repository with this checkout's groundup in its environment."""
    return neo_repository(tmp_path_factory.mktemp("neo"))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Neo:
    """A repository for states of a test's own; see `client`."""
    return neo_repository(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def client(shop: Neo) -> Neo:
    """A repository in which nothing ran yet, and which has no states of its own."""
    for name in ("groundup_states.py", "work", ".groundup/states", ".groundup/runs"):
        path = shop.repo / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (shop.repo / "work").mkdir()
    return shop
