"""Workers against a real manager over HTTP."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from groundup.manager import EmbeddedManager
from groundup.nodes import (
    BaseNode,
    PruneSignal,
    ReQueueAfterSignal,
    RetryPolicyModel,
    RetryStrategyEnum,
    RunStatus,
    Runtime,
    StateManager,
    StoreConfigModel,
    UnitesModel,
    set_embedded_manager,
)
from groundup.nodes.errors import RegistrationError
from groundup.nodes.wire import NodeDetails, RunGraph
from tests.support.gate import Gate
from tests.support.workers import Silent, running, runtime, slow_node, statuses, step

FAST = RetryPolicyModel(max_retries=1, strategy=RetryStrategyEnum.FIXED, backoff_factor=1)


class Text(BaseModel):
    text: str


class Echo(BaseNode):
    Inputs = Text
    Outputs = Text

    async def execute(self) -> Text:
        return Text(text=self.inputs.text)


class Shout(BaseNode):
    """A plain ``execute``: it runs in a thread."""

    Inputs = Text
    Outputs = Text

    def execute(self) -> Text:
        assert threading.current_thread() is not threading.main_thread()
        return Text(text=self.inputs.text.upper())


class Split(BaseNode):
    Inputs = Text
    Outputs = Text

    async def execute(self) -> list[Text]:
        return [Text(text=part) for part in self.inputs.text.split()]


class StrangeError(BaseException):
    """No Exception."""


class MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError("nothing to say")


FAILURES: dict[str, type[BaseException]] = {
    "exit": SystemExit,
    "cancel": asyncio.CancelledError,
    "interrupt": KeyboardInterrupt,
    "strange": StrangeError,
    "close": GeneratorExit,
}


class Failing(BaseNode):
    Inputs = Text

    async def execute(self) -> None:
        raise FAILURES.get(self.inputs.text, ValueError)(f"cannot do {self.inputs.text}")


class FailingInThread(BaseNode):
    Inputs = Text

    def execute(self) -> None:
        raise FAILURES.get(self.inputs.text, ValueError)(f"cannot do {self.inputs.text}")


class CancellingItself(BaseNode):
    async def execute(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(3600)


class Mute(BaseNode):
    async def execute(self) -> None:
        raise MuteError


class Pruning(BaseNode):
    async def execute(self) -> None:
        raise PruneSignal({"because": "enough"})


class Keeper(BaseNode):
    Outputs = Text

    class Secrets(BaseModel):
        token: str

    async def execute(self) -> Text:
        return Text(text=self.secrets.token[::-1])


class Run:
    """A flow that is saved, triggered and waited for."""

    def __init__(self, manager: EmbeddedManager, *nodes: type[BaseNode], **more: Any) -> None:
        self.worker = runtime(nodes, manager.uri, manager.key, **more)
        self.client = StateManager("demo", manager.uri, manager.key)

    async def finish(self, *steps: Any, trigger: dict[str, Any] | None = None, **flow: Any) -> RunGraph:
        async with running(self.worker), self.client:
            await self.client.upsert_graph("flow", steps, flow.pop("secrets", {}), **flow)
            started = await self.client.trigger("flow", **trigger or {})
            self.run_id = started["run_id"]
            return await self.client.wait_for_run(self.run_id, timeout=30, poll_interval=0.02)

    async def details(self, graph: RunGraph) -> list[NodeDetails]:
        async with self.client:
            return [await self.client.get_node("flow", self.run_id, node.id) for node in graph.nodes]


async def outputs(run: Run, graph: RunGraph) -> list[dict[str, Any]]:
    return [details.outputs for details in await run.details(graph)]


def test_a_chain_of_async_and_plain_nodes(manager: EmbeddedManager) -> None:
    async def main() -> None:
        run = Run(manager, Echo, Shout)
        reading = {"text": "${{ a.outputs.text }} ${{ store.end }}"}
        graph = await run.finish(
            step(Echo, "a", "b", inputs={"text": "x"}),
            step(Shout, "b", inputs=reading),
            store_config=StoreConfigModel(required_keys=["end"]),
            trigger={"inputs": {"text": "hello"}, "store": {"end": "you"}},
        )
        assert (graph.status, statuses(graph)) == (RunStatus.SUCCESS, [("a", "SUCCESS"), ("b", "SUCCESS")])
        assert await outputs(run, graph) == [{"text": "hello"}, {"text": "HELLO YOU"}]

    asyncio.run(main())


def test_fan_out_and_join(manager: EmbeddedManager) -> None:
    async def main() -> None:
        run = Run(manager, Split, Echo, Silent)
        graph = await run.finish(
            step(Split, "split", "work", inputs={"text": "a b c"}),
            step(Echo, "work", "join", inputs={"text": "${{ split.outputs.text }}"}),
            step(Silent, "join", unites=UnitesModel(identifier="split")),
        )
        assert graph.status is RunStatus.SUCCESS
        found = await run.details(graph)
        assert sorted(d.outputs["text"] for d in found if d.identifier == "work") == ["a", "b", "c"]
        assert [d.outputs for d in found if d.identifier == "join"] == [{}]

    asyncio.run(main())


@pytest.mark.parametrize("text", ["this", *FAILURES])
@pytest.mark.parametrize("node", [Failing, FailingInThread])
def test_a_failing_node_is_tried_again_and_its_error_kept(
    manager: EmbeddedManager, node: type[BaseNode], text: str
) -> None:
    async def main() -> None:
        run = Run(manager, node, workers=1)
        graph = await run.finish(step(node, "a", inputs={"text": text}), retry_policy=FAST)
        assert statuses(graph) == [("a", "RETRY_CREATED"), ("a", "ERRORED")]
        assert {node.error for node in graph.nodes} == {f"cannot do {text}"}

    asyncio.run(main())


def test_a_node_that_cancels_its_own_task_has_failed(manager: EmbeddedManager) -> None:
    async def main() -> None:
        run = Run(manager, CancellingItself, workers=1)
        graph = await run.finish(step(CancellingItself, "a"), retry_policy=FAST)
        assert [node.error for node in graph.nodes] == ["The node cancelled its own task"] * 2

    asyncio.run(main())


def test_an_error_that_cannot_say_what_it_is_is_told_by_its_class(manager: EmbeddedManager) -> None:
    async def main() -> None:
        graph = await Run(manager, Mute).finish(step(Mute, "a"), retry_policy=FAST)
        assert [node.error for node in graph.nodes] == ["MuteError()"] * 2

    asyncio.run(main())


def test_a_trace_is_logged_as_python_writes_it(
    manager: EmbeddedManager, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        await Run(manager, Failing).finish(step(Failing, "a", inputs={"text": "it"}), retry_policy=FAST)

    asyncio.run(main())
    (logged, _) = (text for text in caplog.messages if " failed: " in text)
    assert " failed: cannot do it\nTraceback (most recent call last):\n  File " in logged
    assert logged.endswith("\nValueError: cannot do it") and "\n\n" not in logged


def test_prune_ends_the_branch(manager: EmbeddedManager) -> None:
    async def main() -> None:
        run = Run(manager, Pruning, Silent)
        graph = await run.finish(step(Pruning, "a", "b"), step(Silent, "b"))
        assert (graph.status, statuses(graph)) == (RunStatus.SUCCESS, [("a", "PRUNED")])

    asyncio.run(main())


def test_requeue_runs_the_same_node_state_again(manager: EmbeddedManager) -> None:
    executions = []

    class Later(BaseNode):
        async def execute(self) -> None:
            executions.append(asyncio.get_running_loop().time())
            if len(executions) < 3:
                raise ReQueueAfterSignal(timedelta(milliseconds=40))

    async def main() -> None:
        graph = await Run(manager, Later).finish(step(Later, "a"))
        assert statuses(graph) == [("a", "SUCCESS")]
        pauses = [after - before for before, after in pairwise(executions)]
        assert len(pauses) == 2
        assert min(pauses) >= 0.039

    asyncio.run(main())


def test_declared_secrets_reach_the_node(manager: EmbeddedManager) -> None:
    async def main() -> None:
        run = Run(manager, Keeper)
        graph = await run.finish(step(Keeper, "a"), secrets={"token": "abc", "other": "x"})
        assert await outputs(run, graph) == [{"text": "cba"}]

    asyncio.run(main())


def test_errors_about_inputs_show_no_values(manager: EmbeddedManager) -> None:
    class Strict(BaseNode):
        class Inputs(BaseModel):
            text: Annotated[str, Field(min_length=100)]

        async def execute(self) -> None:
            """Never reached."""

    async def main() -> None:
        flow = step(Strict, "a", inputs={"text": "s3cret"})
        graph = await Run(manager, Strict).finish(flow, retry_policy=RetryPolicyModel(max_retries=0))
        assert [node.error for node in graph.nodes] == [
            "1 validation error for Inputs\ntext\n"
            "  String should have at least 100 characters [type=string_too_short]"
        ]

    asyncio.run(main())


def test_more_workers_execute_at_the_same_time(manager: EmbeddedManager) -> None:
    meeting = asyncio.Barrier(3)

    class Meet(BaseNode):
        async def execute(self) -> None:
            await asyncio.wait_for(meeting.wait(), 20)

    async def main() -> None:
        graph = await Run(manager, Split, Meet, workers=3).finish(
            step(Split, "a", "b", inputs={"text": "1 2 3"}), step(Meet, "b")
        )
        assert graph.status is RunStatus.SUCCESS

    asyncio.run(main())


def test_a_worker_waits_for_its_manager(manager: EmbeddedManager) -> None:
    """Started before the manager, the worker registers when it is there."""
    port, key = int(manager.uri.rpartition(":")[2]), manager.key

    async def main() -> None:
        manager.close()
        worker = runtime([Silent], f"http://127.0.0.1:{port}", key)
        task = asyncio.create_task(worker.run())
        await asyncio.sleep(0.2)
        assert not task.done()
        with EmbeddedManager(manager.database, port=port):
            await asyncio.wait_for(worker.registered.wait(), 20)
            worker.stop()
            await task

    asyncio.run(main())


def test_a_worker_outlives_a_manager_that_is_restarted(manager: EmbeddedManager) -> None:
    port, key = int(manager.uri.rpartition(":")[2]), manager.key
    slow, started, go_on = slow_node()

    async def main() -> None:
        client = StateManager("demo", f"http://127.0.0.1:{port}", key)
        async with running(runtime([slow], manager.uri, key)):
            await client.upsert_graph("flow", [step(slow, "a")], {})
            run_id = (await client.trigger("flow"))["run_id"]
            await asyncio.wait_for(started.wait(), 20)
            await asyncio.to_thread(manager.close)
            go_on.set()
            await asyncio.sleep(0.3)  # the outcome meets a closed port, and is delivered later
            with EmbeddedManager(manager.database, port=port):
                graph = await client.wait_for_run(run_id, timeout=20)
        assert statuses(graph) == [("a", "SUCCESS")]

    asyncio.run(main())


@pytest.mark.parametrize(
    "call", [b"PUT /v0/namespace/demo/nodes/", b"/secrets", b"/executed", b"/errored", b"/prune"]
)
@pytest.mark.parametrize("lost", ["lost_request", "lost_answer"])
def test_a_lost_call_is_made_again_and_nothing_runs_twice(
    manager: EmbeddedManager, call: bytes, lost: str
) -> None:
    """Every call but enqueue, whose node states come back when their lease ran out."""
    executions = []

    class Answer(BaseNode):
        class Secrets(BaseModel):
            token: str

        async def execute(self) -> None:
            executions.append(call)
            if call == b"/errored":
                raise ValueError("broken")
            if call == b"/prune":
                raise PruneSignal

    async def main() -> None:
        with Gate(int(manager.uri.rpartition(":")[2]), **{lost: call}) as gate:
            client = StateManager("demo", manager.uri, manager.key)
            async with running(runtime([Answer], gate.base, manager.key)):
                once = RetryPolicyModel(max_retries=0)
                await client.upsert_graph("flow", [step(Answer, "a")], {"token": "t"}, retry_policy=once)
                run_id = (await client.trigger("flow"))["run_id"]
                graph = await client.wait_for_run(run_id, timeout=20)
            assert getattr(gate, lost) == b""
        expected = {b"/errored": "ERRORED", b"/prune": "PRUNED"}.get(call, "SUCCESS")
        assert statuses(graph) == [("a", expected)]
        assert len(executions) == 1

    asyncio.run(main())


def test_a_claim_is_renewed_while_its_node_runs(manager: EmbeddedManager) -> None:
    executions = []

    class Long(BaseNode):
        async def execute(self) -> None:
            executions.append(1)
            await asyncio.sleep(2.5)  # several leases; the manager looks for lost ones every second

    async def main() -> None:
        graph = await Run(manager, Long, lease=0.6).finish(step(Long, "a"))
        assert (statuses(graph), len(executions)) == ([("a", "SUCCESS")], 1)

    asyncio.run(main())


def test_a_wrong_key_ends_the_runtime_with_the_managers_words(manager: EmbeddedManager) -> None:
    with pytest.raises(RegistrationError, match="Failed to register nodes: Invalid API key"):
        asyncio.run(runtime([Silent], manager.uri, "wrong").run())


def test_the_embedded_manager_is_used_when_nothing_is_configured(manager: EmbeddedManager) -> None:
    """The wired manager is started by the first who needs it and let go of at the end."""
    uses = []

    class Wired:
        uri, key = manager.uri, manager.key

        def __enter__(self) -> Wired:
            uses.append("started")
            return self

        def __exit__(self, *_: object) -> None:
            uses.append("ended")

    set_embedded_manager(Wired)

    async def main() -> None:
        async with running(Runtime("demo", "rt", [Silent])):
            pass

    asyncio.run(main())
    assert uses == ["started", "ended"]
