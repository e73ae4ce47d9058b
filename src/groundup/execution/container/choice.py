"""Container or host: what it means to ask for a container where this process is in one itself."""

from __future__ import annotations

import warnings
from typing import Any

from groundup.errors import UserError
from groundup.execution.container.config import container_config
from groundup.execution.container.errors import NotIsolatedWarning
from groundup.execution.container.inside import inside_container
from groundup.execution.container.runtime import IsolatedExecutionRuntime
from groundup.execution.host import ExecutionRuntime


def container_runtime(python_tag: str | None, settings: dict[str, Any]) -> ExecutionRuntime:
    """Return the runtime of containers; inside of a container that of the host, with a warning.

    :raises UserError: inside of a container, where `settings` require isolation; and as
        :class:`IsolatedExecutionRuntime`, which raises further errors.
    """
    config = container_config(settings)
    evidence = None if config.inside_container == "isolate" else inside_container()
    if evidence is None:
        return IsolatedExecutionRuntime(python_tag, **settings)
    if config.require_isolation:
        raise UserError(
            f"this process is in a container itself ({evidence}): code would run beside it, not apart",
            hint="inside_container='isolate' uses an engine all the same; the sandbox is another way",
        )
    warnings.warn(
        f"already inside a container ({evidence}): code runs on this host, not isolated from this process; "
        "require_isolation=True makes that an error, inside_container='isolate' uses an engine all the same",
        NotIsolatedWarning,
        stacklevel=3,
    )
    return ExecutionRuntime()
