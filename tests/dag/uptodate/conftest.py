"""Folders that what is remembered of states is kept in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dag.uptodate.desk import Desk
from tests.dag.uptodate.opener import Opener


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A folder with states, whose tracker is closed at the end."""
    desk = Desk(tmp_path)
    yield desk
    desk.tracker.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """The records in one folder, closed at the end."""
    opener = Opener(tmp_path)
    yield opener
    opener.close()
