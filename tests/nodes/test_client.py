"""The client: what it says when the manager refuses, and how long it waits."""

from __future__ import annotations

import asyncio

import pytest

from groundup.manager import EmbeddedManager
from groundup.nodes import StateManager
from groundup.nodes.errors import StateManagerError, WaitTimeoutError
from tests.support.workers import Silent, running, runtime, step


def test_what_the_manager_refuses_is_an_error_with_its_words(manager: EmbeddedManager) -> None:
    async def main() -> None:
        client = StateManager("demo", manager.uri, manager.key)
        with pytest.raises(StateManagerError, match=r'Failed to get graph: 404 \{"detail":"Graph template g'):
            await client.get_graph("g")
        with pytest.raises(StateManagerError, match="Failed to trigger state: 404"):
            await client.trigger("g")
        with pytest.raises(StateManagerError, match="Failed to upsert graph: 400"):
            await client.upsert_graph("g", [step(Silent, "a", "gone")], {})
        with pytest.raises(StateManagerError, match="Graph validation failed: INVALID and errors"):
            await client.upsert_graph("g", [step(Silent, "a")], {})
        with pytest.raises(StateManagerError, match="there is no run x"):
            await client.get_run("x")

    asyncio.run(main())


def test_waiting_for_a_run_has_an_end(manager: EmbeddedManager) -> None:
    async def main() -> None:
        client = StateManager("demo", manager.uri, manager.key)
        async with running(runtime([Silent], manager.uri, manager.key)):
            await client.upsert_graph("g", [step(Silent, "a")], {})
        run_id = (await client.trigger("g"))["run_id"]
        with pytest.raises(WaitTimeoutError, match=f"run {run_id} has not ended after 0.05 s: 1 CREATED$"):
            await client.wait_for_run(run_id, timeout=0.05, poll_interval=0.01)

    asyncio.run(main())
