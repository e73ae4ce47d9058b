"""An execution in a process of its own: it ends with the worker, with its time, and when it is cancelled."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from groundup.nodes.base import BaseNode
from groundup.nodes.context import NodeContext
from groundup.nodes.endpoints import WorkerEndpoints
from groundup.nodes.errors import NodesError, RuntimeConfigurationError
from groundup.nodes.execution import Outputs
from groundup.nodes.limits import Limits
from groundup.nodes.signals import PruneSignal, ReQueueAfterSignal
from groundup.nodes.threads import in_stoppable_thread


class NodeProcessError(NodesError):
    """A node failed in its process, or its process failed."""


async def execute_in_process(  # noqa: PLR0913, PLR0917 - all that an execution is made of
    node: type[BaseNode],
    inputs: Mapping[str, Any],
    secrets: Mapping[str, str],
    context: NodeContext,
    limits: Limits,
    manager: WorkerEndpoints | None = None,
) -> Outputs:
    """As :func:`groundup.nodes.execution.execute`, in a process within ``limits``.

    :param manager: what the context of the process asks; None where there is none.
    :raises NodeProcessError: when the node raises, is killed, or takes too long.
    :raises PruneSignal: as the node does; so is ReQueueAfterSignal.
    """
    request = {
        "node": _reference(node),
        "sys_path": sys.path,
        "inputs": dict(inputs),
        "secrets": dict(secrets),
        "context": context.plain(),
        "memory": limits.memory,
        "manager": None if manager is None else asdict(manager.address),
        "extended": manager is not None and manager.extended,
    }
    return _result(await _run(json.dumps(request), limits))


async def _run(request: str, limits: Limits) -> dict[str, Any]:
    from groundup.execution.process import Ended, run_process

    def work(stop: int) -> Ended:
        return run_process(
            [sys.executable, "-I", "-m", "groundup.nodes.child"],
            env=os.environ,
            stdin=request,
            timeout=limits.seconds,
            on_stderr=lambda text: print(text, end="", file=sys.stderr),
            stop=stop,
        )

    ended = await in_stoppable_thread(work)
    if ended.timed_out:
        raise NodeProcessError(f"The node took longer than its limit of {limits.seconds:g} s")
    with suppress(ValueError):
        answer: dict[str, Any] = json.loads(ended.stdout.text())
        return answer
    raise NodeProcessError(
        f"The process of the node ended with exit code {ended.exit_code} before it had a result"
    )


def _result(answer: Mapping[str, Any]) -> Outputs:
    match answer["outcome"]:
        case "executed":
            outputs: Outputs = answer["outputs"]
            return outputs
        case "prune":
            raise PruneSignal(answer["data"])
        case "re-enqueue-after" if answer["at"] is not None:
            raise ReQueueAfterSignal(at=datetime.fromisoformat(answer["at"]))
        case "re-enqueue-after":
            raise ReQueueAfterSignal(timedelta(seconds=answer["delay"]))
    raise NodeProcessError(answer["error"])


def _reference(node: type[BaseNode]) -> dict[str, str | None]:
    """How the process finds ``node``; a script's own classes by the script's file."""
    main = sys.modules["__main__"]
    script = getattr(main, "__file__", None) if node.__module__ == "__main__" else None
    if script is None and node.__module__ == "__main__":
        raise RuntimeConfigurationError(
            f"{node.__name__} has limits, but is defined in no file: its process cannot import it",
            hint="define it in a module",
        )
    return {"module": node.__module__, "name": node.__qualname__, "script": script}
