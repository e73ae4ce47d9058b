"""What the tests of the command line share: one booted repository, which they leave as it is."""

from __future__ import annotations

import pytest

from tests.support.neo import Neo, neo_repository


@pytest.fixture(scope="session")
def neo(tmp_path_factory: pytest.TempPathFactory) -> Neo:
    """A repository with this checkout's groundup in its environment."""
    return neo_repository(tmp_path_factory.mktemp("neo"))
