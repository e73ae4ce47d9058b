"""The client beyond the protocol's own SDK: with groundup's manager, and with one of another make."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from groundup.manager import EmbeddedManager
from groundup.nodes import BaseNode, StateManager
from groundup.nodes.errors import GraphRefusedError, NotOfferedError, StateManagerError, WaitTimeoutError
from groundup.nodes.extensions import RunFilter
from groundup.nodes.wire import TriggerRequest, UpsertGraphRequest
from tests.support.foreign_manager import ForeignManager
from tests.support.workers import running, runtime, step


class Fails(BaseNode):
    """Fails whenever it is executed."""

    async def execute(self) -> None:
        raise ValueError("never works")


def request(*nodes: Any, **more: Any) -> UpsertGraphRequest:
    body = {"nodes": [node.model_dump() for node in nodes], "secrets": {}, "retry_policy": {"max_retries": 0}}
    return UpsertGraphRequest.model_validate({**body, **more})


@asynccontextmanager
async def working(manager: EmbeddedManager) -> AsyncIterator[StateManager]:
    """A client, while a worker polls for nodes that fail."""
    async with (
        running(runtime([Fails], manager.uri, manager.key)),
        StateManager("demo", manager.uri, manager.key) as client,
    ):
        yield client


def test_runs_are_started_listed_retried_and_cancelled(manager: EmbeddedManager) -> None:
    async def main() -> None:
        async with working(manager) as client:
            saved = await client.save_graph("g", request(step(Fails, "a")))
            assert (saved.validation_status, saved.validation_errors) == ("VALID", [])
            first = await client.start_run("g", TriggerRequest())
            await client.wait_for_run(first, timeout=30)
            assert len((await client.retry_run(first)).created) == 1
            await client.wait_for_run(first, timeout=30)
            assert [state.status for state in await client.list_states(first)] == ["RETRY_CREATED", "ERRORED"]
            late = await client.start_run("g", TriggerRequest(start_delay=3_600_000))
            assert (await client.cancel_run(late)).cancelled == 1
            assert (await client.describe_run(late)).status == "CANCELLED"
            page = await client.list_runs(RunFilter(graph_name="g", limit=1))
            assert [run.run_id for run in page.runs] == [late] and page.next
            rest = await client.list_runs(RunFilter(before=page.next))
            assert [run.run_id for run in rest.runs] == [first]
            assert [run.run_id for run in (await client.page_of_runs()).runs] == [late, first]
            await client.delete_graph("g")
            assert await client.list_graphs() == [] and await client.verdict("g") is None

    asyncio.run(main())


def test_all_node_states_of_a_large_run_are_listed_in_order(
    manager: EmbeddedManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundup.nodes.client_extensions.PAGE", 1)

    async def main() -> None:
        async with working(manager) as client:
            await client.save_graph("g", request(step(Fails, "a"), retry_policy={"backoff_factor": 1}))
            run_id = await client.start_run("g", TriggerRequest())
            await client.wait_for_run(run_id, timeout=30)
            assert [state.retry_count for state in await client.list_states(run_id)] == [0, 1, 2, 3]

    asyncio.run(main())


def test_refusals_say_what_and_why(manager: EmbeddedManager) -> None:
    async def main() -> None:
        async with working(manager) as client:
            with pytest.raises(GraphRefusedError) as error:
                await client.save_graph("g", request(step(Fails, "a"), step(Fails, "a")))
            assert error.value.messages == ("Node identifier a is not unique",)
            with pytest.raises(StateManagerError, match="run x cannot be cancelled: Run not found"):
                await client.cancel_run("x")
            with pytest.raises(
                StateManagerError, match="flow g cannot be deleted: Graph template g not found"
            ):
                await client.delete_graph("g")
        with pytest.raises(StateManagerError, match="flows cannot be listed: Invalid API key") as error_:
            await StateManager("demo", manager.uri, "wrong").list_graphs()
        assert error_.value.hint == "the API key is not that of the state manager"

    asyncio.run(main())


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.cancel_run("x"),
        lambda client: client.delete_graph("x"),
        lambda client: client.list_runs(),
        lambda client: client.describe_run("x"),
        lambda client: client.list_states("x"),
        lambda client: client.list_triggers("x"),
    ],
)
def test_what_another_manager_does_not_offer_is_told(call: Callable[[StateManager], Awaitable[Any]]) -> None:
    async def main(uri: str) -> None:
        with pytest.raises(NotOfferedError, match=f"the state manager on {uri} does not offer that"):
            await call(StateManager("demo", uri, "key"))

    with ForeignManager() as foreign:
        asyncio.run(main(foreign.base))


def test_with_another_manager_what_failed_is_retried_one_by_one() -> None:
    nodes = [
        {"id": name, "node_name": "Node", "identifier": "a", "status": status}
        for name, status in (("one", "SUCCESS"), ("two", "ERRORED"), ("three", "NEXT_CREATED_ERROR"))
    ]
    graph = {"root_states": [], "graph_name": "g", "nodes": nodes, "edges": [], "node_count": 3}
    graph |= {"edge_count": 0, "execution_summary": {}}

    async def main(uri: str) -> list[str]:
        return (await StateManager("demo", uri, "key").retry_run("run")).created

    with ForeignManager(runs={"run": graph}) as foreign:
        assert asyncio.run(main(foreign.base)) == ["again-two", "again-three"]


def test_a_manager_that_verifies_later_is_asked_again_but_not_for_ever() -> None:
    async def saved(uri: str, timeout: float) -> Any:
        client = StateManager("demo", uri, "key")
        return await client.save_graph("g", request(step(Fails, "a")), timeout)

    with ForeignManager(checks=2, verdict="INVALID") as foreign:
        verdict = asyncio.run(saved(foreign.base, 30))
        assert (verdict.validation_status, verdict.validation_errors) == ("INVALID", ["why"])
    told = pytest.raises(WaitTimeoutError, match=r"flow g was not verified after 0\.1 s")
    with ForeignManager(checks=10_000) as foreign, told:
        asyncio.run(saved(foreign.base, 0.1))
