"""Running scripts and projects: results, errors, and the runtime of the host."""

from groundup.execution.factory import create_execution_runtime
from groundup.execution.host import ExecutionRuntime
from groundup.execution.result import ExecutionFailed, ExecutionResult

__all__ = ["ExecutionFailed", "ExecutionResult", "ExecutionRuntime", "create_execution_runtime"]
