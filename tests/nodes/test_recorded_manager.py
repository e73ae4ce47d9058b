"""Our worker and client against a manager that behaves as the protocol's own was seen to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from groundup.nodes import (
    BaseNode,
    PruneSignal,
    ReQueueAfterSignal,
    RetryPolicyModel,
    StateManager,
    StoreConfigModel,
    UnitesModel,
)
from groundup.nodes.errors import RegistrationError, StateManagerError
from groundup.nodes.wire import NodeDetails
from tests.support.manager import BASE, Api
from tests.support.recorded_manager import KEY, RecordedManager
from tests.support.workers import Silent, running, runtime, step


class Words(BaseModel):
    words: list[str]


class Count(BaseModel):
    text: str
    count: int


class Split(BaseNode):
    Inputs = Words
    Outputs = Count

    async def execute(self) -> list[Count]:
        return [Count(text=word, count=len(word)) for word in self.inputs.words]


class Repeat(BaseNode):
    """Plain, and with an input that is a number."""

    Inputs = Count

    class Outputs(BaseModel):
        text: str

    class Secrets(BaseModel):
        token: str

    def execute(self) -> Repeat.Outputs:
        return self.Outputs(text=self.secrets.token + self.inputs.text * self.inputs.count)


class Failing(BaseNode):
    async def execute(self) -> None:
        raise ValueError("broken on purpose")


class Pruning(BaseNode):
    async def execute(self) -> None:
        raise PruneSignal({"because": "enough"})


@pytest.fixture
def recorded() -> Iterator[RecordedManager]:
    with RecordedManager() as manager:
        yield manager


async def finish(
    recorded: RecordedManager, nodes: list[type[BaseNode]], *steps: Any, **more: Any
) -> list[NodeDetails]:
    """Save a flow, run it once by a worker for its nodes, and give what became of it."""
    client = StateManager("demo", recorded.base, KEY)
    trigger = more.pop("trigger", {})
    flow = {"secrets": {}, "store_config": StoreConfigModel(), "retry_policy": RetryPolicyModel(), **more}
    async with running(runtime(nodes, recorded.base, KEY)), client:
        graph = await client.upsert_graph("flow", steps, polling_interval=0.01, **flow)
        assert graph["validation_status"] == "VALID"
        run_id = (await client.trigger("flow", **trigger))["run_id"]
        run = await client.wait_for_run(run_id, timeout=30, poll_interval=0.02)
        return [await client.get_node("flow", run_id, node.id) for node in run.nodes]


def statuses(found: list[NodeDetails]) -> list[tuple[str, str]]:
    return [(node.identifier, node.status.value) for node in found]


def test_fan_out_typed_fields_secrets_store_and_join(recorded: RecordedManager) -> None:
    """Everything that is typed travels as text, or that manager could not put it into inputs."""
    counted = {"text": "${{ split.outputs.text }}${{ store.end }}", "count": "${{ split.outputs.count }}"}
    found = asyncio.run(
        finish(
            recorded,
            [Silent, Split, Repeat],
            step(Silent, "root", "split"),
            step(Split, "split", "repeat", inputs={"words": '["a", "bc"]'}),
            step(Repeat, "repeat", "join", inputs=counted),
            step(Silent, "join", unites=UnitesModel(identifier="root")),
            secrets={"token": "t-", "another": "x"},
            store_config=StoreConfigModel(default_values={"end": "?"}),
            trigger={"store": {"end": "!"}},
        )
    )
    assert {node.status.value for node in found} == {"SUCCESS"}
    assert sorted(node.identifier for node in found) == ["join", "repeat", "repeat", "root", "split", "split"]
    texts = sorted(node.outputs["text"] for node in found if node.identifier == "repeat")
    assert texts == ["t-a!", "t-bc!bc!"]
    assert not any(path in {"outcomes", "renew", "release"} for path, _ in recorded.calls)
    assert not any(status != 200 for path, status in recorded.calls if path == "executed")


def test_errors_are_tried_again_and_prune_ends_a_branch(recorded: RecordedManager) -> None:
    policy = RetryPolicyModel(max_retries=2, backoff_factor=1)
    steps = [step(Silent, "a", "b", "c"), step(Failing, "b"), step(Pruning, "c")]
    found = asyncio.run(finish(recorded, [Silent, Failing, Pruning], *steps, retry_policy=policy))
    failed = [status for place, status in statuses(found) if place == "b"]
    assert failed == ["RETRY_CREATED", "RETRY_CREATED", "ERRORED"]
    assert {node.error for node in found if node.identifier == "b"} == {"broken on purpose"}
    assert [status for place, status in statuses(found) if place == "c"] == ["PRUNED"]


def test_a_node_state_that_is_put_back_runs_again(recorded: RecordedManager) -> None:
    executions = []

    class Later(BaseNode):
        async def execute(self) -> None:
            executions.append(1)
            if len(executions) < 3:
                raise ReQueueAfterSignal(timedelta(milliseconds=5))

    assert statuses(asyncio.run(finish(recorded, [Later], step(Later, "a")))) == [("a", "SUCCESS")]
    assert len(executions) == 3
    assert recorded.calls["re-enqueue-after", 200] == 2


def test_a_flow_is_not_triggered_before_it_was_verified(recorded: RecordedManager) -> None:
    recorded.kept.verification_reads = 5
    assert statuses(asyncio.run(finish(recorded, [Silent], step(Silent, "a")))) == [("a", "SUCCESS")]
    assert recorded.calls["flow", 200] == 5

    saved = Api(recorded.base, KEY)("PUT", f"{BASE}/graph/new", recorded.kept.flows["flow"].body)
    assert (saved.status, saved.body["validation_status"]) == (201, "PENDING")
    client = StateManager("demo", recorded.base, KEY)
    with pytest.raises(
        StateManagerError, match=r"Failed to trigger state: 400 .*Graph template is not valid"
    ):
        asyncio.run(client.trigger("new"))


def test_a_flow_that_does_not_fit_is_told_with_its_words(recorded: RecordedManager) -> None:
    client = StateManager("demo", recorded.base, KEY)
    with pytest.raises(
        StateManagerError, match=r"INVALID and errors: .*Node Silent in namespace demo does not"
    ):
        asyncio.run(client.upsert_graph("flow", [step(Silent, "a")], {}, polling_interval=0.01))
    with pytest.raises(StateManagerError, match=r"404 .*Graph template nowhere not found in namespace demo"):
        asyncio.run(client.get_graph("nowhere"))


@pytest.mark.parametrize("call", ["nodes", "enqueue", "secrets"])
def test_its_failures_of_what_may_be_asked_again_are_survived(recorded: RecordedManager, call: str) -> None:
    recorded.failing[call] = 2
    counted = {"text": "x", "count": "2"}
    found = asyncio.run(finish(recorded, [Repeat], step(Repeat, "a", inputs=counted), secrets={"token": ""}))
    assert [(node.status.value, node.outputs) for node in found] == [("SUCCESS", {"text": "xx"})]
    assert recorded.calls[call, 500] == 2


def test_an_outcome_that_it_failed_to_take_is_not_sent_again_and_the_worker_goes_on(
    recorded: RecordedManager,
) -> None:
    """Twice might create twice what follows there. The node state stays as that manager leaves it."""
    recorded.failing["executed"] = 1

    async def main() -> list[str]:
        client = StateManager("demo", recorded.base, KEY)
        async with running(runtime([Silent], recorded.base, KEY)), client:
            await client.upsert_graph(
                "flow", [step(Silent, "a")], {}, store_config=StoreConfigModel(), polling_interval=0.01
            )
            first = (await client.trigger("flow"))["run_id"]
            async with asyncio.timeout(30):
                while recorded.calls["executed", 500] == 0:
                    await asyncio.sleep(0.01)
            second = (await client.trigger("flow"))["run_id"]
            await client.wait_for_run(second, timeout=30)
            return [(await client.get_run(run)).nodes[0].status.value for run in (first, second)]

    assert asyncio.run(main()) == ["QUEUED", "SUCCESS"]
    assert (recorded.calls["executed", 500], recorded.calls["executed", 200]) == (1, 1)
    assert recorded.calls["errored", 200] == 0


def test_a_wrong_key_ends_the_worker(recorded: RecordedManager) -> None:
    with pytest.raises(RegistrationError, match="Failed to register nodes: Invalid API key"):
        asyncio.run(runtime([Silent], recorded.base, "wrong").run())
