"""A manager in memory is the real one, and leaves nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from groundup.nodes import RunStatus, StateManager
from groundup.nodes.errors import StateManagerError
from groundup.testing import InMemoryManager
from tests.support.workers import Silent, running, runtime, step


async def save(manager: InMemoryManager) -> StateManager:
    client = StateManager("demo", manager.uri, manager.key)
    async with running(runtime([Silent], manager.uri, manager.key)):
        await client.upsert_graph("flow", [step(Silent, "a")], {})
    return client


def test_workers_and_clients_use_it_like_any_other() -> None:
    async def main() -> None:
        with InMemoryManager() as manager:
            client = await save(manager)
            async with running(runtime([Silent], manager.uri, manager.key)):
                runs = [(await client.trigger("flow"))["run_id"] for _ in range(20)]
                graphs = [await client.wait_for_run(run_id, timeout=30) for run_id in runs]
        assert {graph.status for graph in graphs} == {RunStatus.SUCCESS}

    asyncio.run(main())


def test_each_has_data_of_its_own_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        with InMemoryManager() as first, InMemoryManager() as second:
            assert (await (await save(first)).get_graph("flow"))["validation_status"] == "VALID"
            assert first.key != second.key
            with pytest.raises(StateManagerError, match="not found"):
                await StateManager("demo", second.uri, second.key).get_graph("flow")
            uri = first.uri
        assert (first.uri, os.listdir(tmp_path)) == ("", [])  # noqa: PTH208
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(uri.rpartition(":")[2])), timeout=10)

    asyncio.run(main())
