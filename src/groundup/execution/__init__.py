"""Running scripts and projects: results, errors, and the runtime of the host."""

from groundup.execution.factory import create_execution_runtime
from groundup.execution.garbage import Garbage, collect_garbage
from groundup.execution.host import ExecutionRuntime
from groundup.execution.result import ExecutionFailed, ExecutionResult
from groundup.execution.streaming import Chunk, OutputStream

__all__ = [
    "Chunk",
    "ExecutionFailed",
    "ExecutionResult",
    "ExecutionRuntime",
    "Garbage",
    "OutputStream",
    "collect_garbage",
    "create_execution_runtime",
]
