"""What a node knows of its execution, and what it may ask."""

from __future__ import annotations

import asyncio
import logging
import threading
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import BaseModel

from groundup.manager import EmbeddedManager
from groundup.nodes import BaseNode, RetryPolicyModel, RetryStrategyEnum, StateManager
from groundup.nodes.context import NodeContext, current_context
from groundup.nodes.errors import RuntimeConfigurationError, StateManagerError
from groundup.nodes.wire import RunGraph
from tests.support.foreign_manager import ForeignManager
from tests.support.workers import running, runtime, statuses, step, until

ONCE = RetryPolicyModel(max_retries=0)
TWICE = RetryPolicyModel(max_retries=1, strategy=RetryStrategyEnum.FIXED, backoff_factor=1)


async def run(
    manager: EmbeddedManager,
    node: type[BaseNode],
    during: Callable[[str], Awaitable[None]] | None = None,
    policy: RetryPolicyModel = ONCE,
    lease: float = 15,
    **flow: Any,
) -> tuple[str, RunGraph]:
    """Run a flow of one node; ``during`` is called with the run's id."""
    worker = runtime([node], manager.uri, manager.key, lease=lease)
    async with running(worker), StateManager("demo", manager.uri, manager.key) as client:
        await client.upsert_graph("flow", [step(node, "here", **flow)], {}, retry_policy=policy)
        run_id = (await client.trigger("flow"))["run_id"]
        if during is not None:
            await during(run_id)
        return run_id, await client.wait_for_run(run_id, timeout=60, poll_interval=0.02)


def cancel_run(manager: EmbeddedManager, run_id: str) -> None:
    url = f"{manager.uri}/v1/namespace/demo/runs/{run_id}/cancel"
    request = urllib.request.Request(url, method="POST", headers={"x-api-key": manager.key})
    urllib.request.urlopen(request, timeout=30).close()


@pytest.mark.parametrize("plain", [False, True])
def test_it_tells_where_the_execution_belongs(manager: EmbeddedManager, plain: bool) -> None:
    seen: list[NodeContext] = []

    def look(node: BaseNode) -> None:
        assert current_context() is node.context
        seen.append(node.context)
        if len(seen) == 1:
            raise ValueError("again")

    class Async(BaseNode):
        async def execute(self) -> None:
            look(self)

    class Plain(BaseNode):
        def execute(self) -> None:
            look(self)

    node = Plain if plain else Async
    run_id, _ = asyncio.run(run(manager, node, policy=TWICE, timeout=60_000))
    assert [context.attempt for context in seen] == [1, 2]
    last = seen[-1]
    assert (last.namespace, last.graph_name, last.run_id) == ("demo", "flow", run_id)
    assert (last.node_name, last.identifier) == (node.__name__, "here")
    assert last.timeout is not None and 0 < last.timeout <= 60


def test_its_logger_names_run_place_and_attempt(
    manager: EmbeddedManager, caplog: pytest.LogCaptureFixture
) -> None:
    class Telling(BaseNode):
        async def execute(self) -> None:
            self.context.logger.warning("so %s", "much")

    run_id, _ = asyncio.run(run(manager, Telling))
    (record,) = [each for each in caplog.records if each.name == "groundup.nodes.node.Telling"]
    assert (record.levelno, record.getMessage()) == (
        logging.WARNING,
        f"run {run_id}, here, attempt 1: so much",
    )


def test_the_store_of_the_run_is_read_and_written(manager: EmbeddedManager) -> None:
    class Words(BaseModel):
        words: list[str]

    class Async(BaseNode):
        Outputs = Words

        async def execute(self) -> Words:
            assert await self.context.heartbeat()
            before = await self.context.read_store()
            after = await self.context.write_store({"key": "new"})
            return Words(words=[str(before), str(after)])

    class Plain(BaseNode):
        Outputs = Words

        def execute(self) -> Words:
            asking = self.context.blocking
            assert asking.heartbeat()
            return Words(words=[str(asking.read_store()), str(asking.write_store({"key": "new"}))])

    async def main() -> None:
        for node in (Async, Plain):
            run_id, graph = await run(manager, node)
            client = StateManager("demo", manager.uri, manager.key)
            details = await client.get_node("flow", run_id, graph.nodes[0].id)
            assert details.outputs == {"words": """["{}", "{'key': 'new'}"]"""}

    asyncio.run(main())


def test_a_manager_of_another_make_tells_less_and_has_no_store() -> None:
    seen: list[Any] = []

    class Asking(BaseNode):
        async def execute(self) -> None:
            seen.append((self.context.run_id, self.context.attempt, await self.context.heartbeat()))
            with pytest.raises(StateManagerError, match="neither read nor write the store"):
                await self.context.read_store()
            seen.append("done")

    async def main() -> None:
        with ForeignManager() as foreign:
            foreign.queue("Asking")
            async with running(runtime([Asking], foreign.base, "k")):
                await until(lambda: bool(foreign.outcomes))

    asyncio.run(main())
    assert seen == [(None, None, True), "done"]


def test_outside_of_an_execution_there_is_no_context() -> None:
    with pytest.raises(RuntimeConfigurationError, match="no node is executed here"):
        current_context()


def test_blocking_calls_would_block_the_loop_of_an_async_node(manager: EmbeddedManager) -> None:
    class Blocking(BaseNode):
        async def execute(self) -> None:
            self.context.blocking.heartbeat()

    _, graph = asyncio.run(run(manager, Blocking))
    assert [node.error for node in graph.nodes] == ["context.blocking is for a plain execute"]


def test_a_cancelled_run_cancels_an_async_execution(manager: EmbeddedManager) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    class Endless(BaseNode):
        async def execute(self) -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    async def cancel(run_id: str) -> None:
        await asyncio.wait_for(started.wait(), 20)
        await asyncio.to_thread(cancel_run, manager, run_id)
        await asyncio.wait_for(ended.wait(), 20)

    _, graph = asyncio.run(run(manager, Endless, cancel, lease=0.6))
    assert statuses(graph) == [("here", "ERRORED")]


def test_a_cancelled_run_tells_a_thread_and_wakes_it(manager: EmbeddedManager) -> None:
    started, ended = threading.Event(), threading.Event()

    class Endless(BaseNode):
        def execute(self) -> None:
            started.set()
            assert self.context.wait(3600)
            assert self.context.cancelled
            ended.set()
            self.context.check_cancelled()

    async def cancel(run_id: str) -> None:
        await asyncio.to_thread(started.wait, 20)
        await asyncio.to_thread(cancel_run, manager, run_id)
        assert await asyncio.to_thread(ended.wait, 20)

    _, graph = asyncio.run(run(manager, Endless, cancel, lease=0.6))
    assert statuses(graph) == [("here", "ERRORED")]


def test_the_time_out_of_a_node_cancels_it_and_is_told(manager: EmbeddedManager) -> None:
    ended = asyncio.Event()

    class Endless(BaseNode):
        async def execute(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    _, graph = asyncio.run(run(manager, Endless, timeout=300))
    assert ended.is_set()
    (error,) = [node.error for node in graph.nodes]
    assert error is not None and error.startswith("The node took longer than its time-out of ")
