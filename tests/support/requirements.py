"""What a test needs of its machine: skipped where it lacks, failed where everything must be there."""

from __future__ import annotations

import os

import pytest


def require(condition: object, what: str) -> None:
    """Skip the test when `condition` is false; fail it under `GROUNDUP_REQUIRE_ALL=1`. `what` is named."""
    if condition:
        return
    if os.environ.get("GROUNDUP_REQUIRE_ALL") == "1":
        pytest.fail(f"GROUNDUP_REQUIRE_ALL is set, and this machine lacks {what}", pytrace=False)
    pytest.skip(f"this machine lacks {what}")
