"""One execution of one node."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from groundup.nodes.base import BaseNode
from groundup.nodes.context import NodeContext, Place
from groundup.nodes.errors import NodesError
from groundup.nodes.fields import read_fields, write_fields
from groundup.nodes.threads import in_thread

Outputs = list[dict[str, str]]


class NodeResultError(NodesError):
    """``execute`` returned something that cannot be sent."""


async def execute(
    node: type[BaseNode], inputs: Mapping[str, Any], secrets: Mapping[str, str], context: NodeContext
) -> Outputs:
    """Run ``node`` once with values of the wire and give its outputs; a plain ``execute`` runs in a thread.

    :raises FieldsError: when inputs or secrets do not fit.
    :raises NodeResultError: when what it returned are not outputs.
    :raises Exception: whatever the node raises, its signals included.
    """
    instance = node()
    instance.inputs = read_fields(node.Inputs, inputs)
    instance.secrets = read_fields(node.Secrets, secrets)
    instance.context = context
    Place(context, asyncio.get_running_loop()).enter()
    return outputs_of(await _call(instance))


def outputs_of(result: Any) -> Outputs:
    """What ``execute`` returned, as it travels.

    :raises NodeResultError: when these are not outputs.
    """
    if result is None:
        return []
    items = result if isinstance(result, Sequence) and not isinstance(result, str | bytes) else [result]
    for item in items:
        if not isinstance(item, BaseModel):
            raise NodeResultError(
                f"execute returned {type(item).__name__}, expected Outputs, a list of them or None"
            )
    return [write_fields(item) for item in items]


async def _call(instance: BaseNode) -> Any:
    if inspect.iscoroutinefunction(instance.execute):
        return await instance.execute()
    result = await in_thread(instance.execute)
    return await result if inspect.isawaitable(result) else result
