"""Which runtime: the one that was asked for, or an error."""

from __future__ import annotations

from typing import Any, Literal

from groundup.errors import UserError
from groundup.execution.host import ExecutionRuntime

Isolation = bool | Literal["sandbox", "container"]


def create_execution_runtime(
    isolate: Isolation = False, python_tag: str | None = None, **docker_config: Any
) -> ExecutionRuntime:
    """Return the runtime for an isolation.

    :param isolate: False for the host, "sandbox". This version has no "container" (which True means).
    :param python_tag: tag of the container's image; the others have no use for it.
    :param docker_config: settings of the container, or of the sandbox; the host has no use for them.
    :raises UserError: when what was asked for is not available. Nothing runs with less isolation than that.
    """
    if isolate is False:
        return ExecutionRuntime()
    if isolate == "sandbox":
        return _sandbox(python_tag, **docker_config)
    name = "container" if isolate is True else isolate
    if name not in ("sandbox", "container"):
        raise UserError(f"isolate={isolate!r} is not known", hint="False, True, 'sandbox' or 'container'")
    raise UserError(
        f"isolate={isolate!r}: isolation by a {name} is not available in this version of groundup",
        hint="isolate=False runs on the host, with the rights of the caller: only code that you trust",
    )


def _sandbox(python_tag: str | None, **settings: Any) -> ExecutionRuntime:
    from groundup.execution.sandbox import SandboxExecutionRuntime

    if python_tag is not None:
        raise UserError(
            f"python_tag={python_tag!r} is for containers",
            hint="a sandbox runs the Python of the project, or the one that the script asks for",
        )
    return SandboxExecutionRuntime(**settings)
