"""A sandbox, as it is by default."""

from __future__ import annotations

import pytest

from groundup import SandboxExecutionRuntime
from groundup.execution.sandbox import SandboxError
from tests.support.requirements import require


@pytest.fixture
def runtime() -> SandboxExecutionRuntime:
    """A sandbox, as it is by default."""
    try:
        return SandboxExecutionRuntime()
    except SandboxError as error:
        require(False, f"what a sandbox needs: {error}")
        raise
