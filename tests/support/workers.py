"""Nodes, flows and workers for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from groundup.nodes import BaseNode, GraphNodeModel, Runtime
from groundup.nodes.wire import RunGraph


class Silent(BaseNode):
    """A node without fields."""

    async def execute(self) -> None:
        """Nothing to say."""


def slow_node() -> tuple[type[BaseNode], asyncio.Event, asyncio.Event]:
    """A node, an event that is set when it runs, and one that ends it when the test sets it."""
    started, go_on = asyncio.Event(), asyncio.Event()

    class Slow(BaseNode):
        async def execute(self) -> None:
            started.set()
            await go_on.wait()

    return Slow, started, go_on


def statuses(graph: RunGraph) -> list[tuple[str, str]]:
    """Identifier and status of every node state of a run, in the order of their creation."""
    return [(node.identifier, node.status.value) for node in graph.nodes]


def step(node: type[BaseNode], identifier: str, *following: str, **more: Any) -> GraphNodeModel:
    """A node of a flow in the namespace demo."""
    return GraphNodeModel(
        node_name=node.__name__,
        namespace="demo",
        identifier=identifier,
        next_nodes=list(following),
        **more,
    )


def runtime(nodes: Sequence[type[BaseNode]], uri: str, key: str, **more: Any) -> Runtime:
    """A runtime in the namespace demo that polls often."""
    return Runtime("demo", "worker", nodes, uri, key, **{"poll_interval": 0.02, **more})


@asynccontextmanager
async def running(worker: Runtime) -> AsyncIterator[asyncio.Task[None]]:
    """The worker at work, registered; stopped at the end."""
    task = asyncio.create_task(worker.run())
    registered = asyncio.create_task(worker.registered.wait())
    try:
        await asyncio.wait({task, registered}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        if task.done():
            await task
        yield task
    finally:
        registered.cancel()
        worker.stop()
        await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 30)


async def until(condition: Callable[[], Awaitable[bool] | bool], seconds: float = 20) -> None:
    """Wait until ``condition`` holds.

    :raises TimeoutError: when it does not in time.
    """
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if isinstance(holds, Awaitable):
                holds = await holds
            if holds:
                return
            await asyncio.sleep(0.01)
