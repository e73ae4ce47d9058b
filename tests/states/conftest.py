"""What the tests of loading share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clients import imports_undone


@pytest.fixture
def fresh_imports(tmp_path: Path) -> Iterator[None]:
    """What a test imports of its own folder is forgotten after it."""
    with imports_undone(tmp_path):
        yield
