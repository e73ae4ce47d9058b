"""Nodes, flows and workers for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from groundup.nodes import BaseNode, GraphNodeModel, Runtime
from groundup.nodes.wire import RunGraph


class Silent(BaseNode):
    """A node without fields."""

    async def execute(self) -> None:
        """Nothing to say."""


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


class Gate:
    """A way to a server on the loopback interface that can be shut: then connections are refused."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def base(self) -> str:
        """Address of the gate."""
        return f"http://127.0.0.1:{self._port}"

    async def open(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse connections and cut those that are open."""
        if self._server is not None:
            self._server.close()
            for writer in self._open:
                writer.close()
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        ends = {writer, behind_writer}
        self._open |= ends
        try:
            await asyncio.gather(_pass(reader, behind_writer), _pass(behind_reader, writer))
        finally:
            self._open -= ends


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
