"""Runs in a sandbox, by bubblewrap."""

from groundup.execution.sandbox.errors import SandboxError
from groundup.execution.sandbox.limits import SandboxLimits
from groundup.execution.sandbox.runtime import SandboxExecutionRuntime

__all__ = ["SandboxError", "SandboxExecutionRuntime", "SandboxLimits"]
