"""One execution of one node."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from pydantic import BaseModel, ValidationError

from groundup.nodes.base import BaseNode
from groundup.nodes.errors import NodesError


class NodeResultError(NodesError):
    """``execute`` returned something that cannot be sent."""


async def execute(
    node: type[BaseNode], inputs: Mapping[str, Any], secrets: Mapping[str, str], threads: Executor
) -> list[dict[str, Any]]:
    """Run ``node`` once and give its outputs; a plain ``execute`` runs in one of ``threads``.

    :raises NodeResultError: when what it returned are not outputs, or inputs or secrets do not fit.
    :raises Exception: whatever the node raises, its signals included.
    """
    instance = node()
    instance.inputs = _validated(node.Inputs, inputs)
    instance.secrets = _validated(node.Secrets, secrets)
    return _outputs(await _call(instance, threads))


def runs_in_thread(node: type[BaseNode]) -> bool:
    """Whether an execution cannot be cancelled."""
    return not inspect.iscoroutinefunction(node.execute)


async def _call(instance: BaseNode, threads: Executor) -> Any:
    if not runs_in_thread(type(instance)):
        return await instance.execute()  # type: ignore[misc]
    context = contextvars.copy_context()
    result = await asyncio.get_running_loop().run_in_executor(threads, context.run, instance.execute)
    return await result if inspect.isawaitable(result) else result


def _validated(model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    """``values`` as ``model``; the error shows no value, for it is stored and may be a secret."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        lines = [
            f"{'.'.join(str(part) for part in problem['loc'])}\n  {problem['msg']} [type={problem['type']}]"
            for problem in problems
        ]
        plural = "" if len(lines) == 1 else "s"
        text = "\n".join([f"{len(lines)} validation error{plural} for {model.__name__}", *lines])
    raise NodeResultError(text)


def _outputs(result: Any) -> list[dict[str, Any]]:
    if result is None:
        return []
    items = result if isinstance(result, Sequence) and not isinstance(result, str | bytes) else [result]
    for item in items:
        if not isinstance(item, BaseModel):
            raise NodeResultError(
                f"execute returned {type(item).__name__}, expected Outputs, a list of them or None"
            )
    return [item.model_dump(mode="json") for item in items]
