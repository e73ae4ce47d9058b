"""The ways to hold a tree of processes that work on this machine."""

from __future__ import annotations

import sys

import pytest

from groundup.errors import UserError
from groundup.execution.containment import Containment, containment
from tests.support.requirements import require

NAMES = ("pid-namespace", "supervisor", "process-group")
ALL_OF_IT = NAMES[:2]  # these find what left the process group, and notice the caller's death


def contained(name: str) -> Containment:
    """Return a containment; skip the test where it does not work."""
    if name != "process-group":
        require(sys.platform == "linux", "Linux")
    try:
        return containment(name)
    except UserError:
        require(False, f"what containment by a {name} needs")
        raise


@pytest.fixture(params=NAMES)
def held(request: pytest.FixtureRequest) -> Containment:
    """Each containment."""
    return contained(request.param)


@pytest.fixture(params=ALL_OF_IT)
def whole(request: pytest.FixtureRequest) -> Containment:
    """Each containment of which nothing escapes."""
    return contained(request.param)
