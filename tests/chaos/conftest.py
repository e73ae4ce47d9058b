"""At length the suite takes longer than other tests may."""

from __future__ import annotations

import pytest

from tests.support.chaos import LONG


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if LONG:
        for item in items:
            if "tests/chaos/" in item.path.as_posix():
                item.add_marker(pytest.mark.timeout(3600))
