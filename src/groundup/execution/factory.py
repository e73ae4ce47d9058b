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

    :param isolate: False for the host, "sandbox", "container"; True means "container".
    :param python_tag: tag of the container's image ``python``; the others have no use for it.
    :param docker_config: settings of the container, or of the sandbox; the host has no use for them.
    :raises GroundupError: when what was asked for is not available. Nothing runs with less isolation than
        that, but for one case that warns: asked for a container inside of one, it runs on that host.
    """
    if isolate is False:
        return ExecutionRuntime()
    if isolate == "sandbox":
        return _sandbox(python_tag, **docker_config)
    if isolate is True or isolate == "container":
        return _container(python_tag, **docker_config)
    raise UserError(f"isolate={isolate!r} is not known", hint="False, True, 'sandbox' or 'container'")


def _sandbox(python_tag: str | None, **settings: Any) -> ExecutionRuntime:
    from groundup.execution.sandbox import SandboxExecutionRuntime

    if python_tag is not None:
        raise UserError(
            f"python_tag={python_tag!r} is for containers",
            hint="a sandbox runs the Python of the project, or the one that the script asks for",
        )
    return SandboxExecutionRuntime(**settings)


def _container(python_tag: str | None, **settings: Any) -> ExecutionRuntime:
    from groundup.execution.container.choice import container_runtime

    return container_runtime(python_tag, settings)
