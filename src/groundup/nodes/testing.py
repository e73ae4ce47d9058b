"""Running a node alone, as a worker would: for tests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from groundup.nodes.base import BaseNode
from groundup.nodes.context import NodeContext
from groundup.nodes.execution import execute
from groundup.nodes.fields import FieldsError, described, read_fields, write_fields
from groundup.nodes.validation import check_nodes

Given = Mapping[str, Any] | BaseModel | None


def run_node(
    node: type[BaseNode],
    inputs: Given = None,
    secrets: Given = None,
    *,
    store: MutableMapping[str, str] | None = None,
    context: NodeContext | None = None,
) -> list[Any]:
    """Execute ``node`` once and give its outputs; none, one or several.

    Inputs, secrets and outputs take the way over the wire, so what passes here passes in a flow. The node
    runs in this process, whatever its limits.

    :param inputs: an instance of its ``Inputs``, or values by field.
    :param secrets: as ``inputs``.
    :param store: the store of the run; what the node writes is in it afterwards.
    :param context: what the node is told of its execution.
    :raises RuntimeConfigurationError: when the class cannot serve as a node.
    :raises FieldsError: when inputs or secrets do not fit.
    :raises Exception: whatever the node raises, its signals included.

    In a running event loop it works in a thread; :func:`arun_node` is the same for such tests.
    """
    call = arun_node(node, inputs, secrets, store=store, context=context)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(call)
    return _in_other_loop(call)


async def arun_node(
    node: type[BaseNode],
    inputs: Given = None,
    secrets: Given = None,
    *,
    store: MutableMapping[str, str] | None = None,
    context: NodeContext | None = None,
) -> list[Any]:
    """As :func:`run_node`, awaited."""
    check_nodes([node])
    link = _LocalLink({} if store is None else store)
    told = context or NodeContext(node_name=node.__name__, attempt=1)
    told = replace(told, _link=link)
    sent = (_travelling(node.Inputs, inputs), _travelling(node.Secrets, secrets))
    return [read_fields(node.Outputs, output) for output in await execute(node, *sent, told)]


def _travelling(model: type[BaseModel], given: Given) -> Mapping[str, str]:
    """Values as they travel; texts may be so already."""
    if isinstance(given, BaseModel):
        return write_fields(given)
    values = given or {}
    if all(isinstance(value, str) for value in values.values()):
        return values
    try:
        return write_fields(model.model_validate(values))
    except ValidationError as error:
        raise FieldsError(described(model, error)) from None


def _in_other_loop(call: Any) -> list[Any]:
    ended: list[Any] = []

    def work() -> None:
        try:
            ended.append((asyncio.run(call), None))
        except BaseException as error:
            ended.append(([], error))

    thread = threading.Thread(target=work, name="groundup-run-node")
    thread.start()
    thread.join()
    outputs, failure = ended[0]
    if failure is not None:
        raise failure
    return list(outputs)


class _LocalLink:
    """Answers what a manager would, out of a dictionary."""

    def __init__(self, store: MutableMapping[str, str]) -> None:
        self._store = store

    async def heartbeat(self, state_id: str) -> bool:
        del state_id
        return True

    async def read_store(self, state_id: str) -> dict[str, str]:
        del state_id
        return dict(self._store)

    async def write_store(self, state_id: str, values: Mapping[str, str | None]) -> dict[str, str]:
        for key, value in values.items():
            if value is None:
                self._store.pop(key, None)
            else:
                self._store[key] = value
        return await self.read_store(state_id)
