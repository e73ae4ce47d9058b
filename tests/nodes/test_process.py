"""Executions in processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from groundup.manager import EmbeddedManager
from groundup.nodes import BaseNode, PruneSignal, ReQueueAfterSignal, StateManager
from groundup.nodes.context import NodeContext
from groundup.nodes.errors import RuntimeConfigurationError
from groundup.nodes.fields import read_fields
from groundup.nodes.limits import Limits
from groundup.nodes.process import NodeProcessError, execute_in_process
from tests.support.background import until as soon
from tests.support.heavy_nodes import Apart, Bare
from tests.support.workers import running, runtime, statuses, step, until

CONTEXT = NodeContext(node_name="Apart", identifier="here", graph_name="flow", attempt=2)


def apart(act: str, limits: Limits | None = None, **inputs: str) -> list[Any]:
    work = (Apart, {"act": act, **inputs}, {"token": "s3"}, CONTEXT, limits or Apart.limits)
    return [read_fields(Apart.Outputs, output) for output in asyncio.run(execute_in_process(*work))]


def is_free(file: Path) -> bool:
    """Whether the process that hangs with this file is gone."""
    with file.open() as opened:
        assert opened.read() == "hanging"
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False


def test_it_runs_elsewhere_with_inputs_secrets_and_context(capfd: pytest.CaptureFixture[str]) -> None:
    (output,) = apart("work")
    assert output.pid != os.getpid()
    assert (output.token, output.told) == ("s3", ["here", "flow", "2"])
    printed = capfd.readouterr()
    assert ("printed by the node" in printed.err, printed.out) == (True, "")


def test_several_outputs_and_signals_come_back() -> None:
    assert len(apart("twice")) == 2
    with pytest.raises(PruneSignal) as pruned:
        apart("prune")
    assert pruned.value.data == {"why": "enough"}
    with pytest.raises(ReQueueAfterSignal) as requeued:
        apart("later")
    assert requeued.value.delay == timedelta(hours=1)
    with pytest.raises(ReQueueAfterSignal) as requeued:
        apart("at")
    assert requeued.value.at == datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("fail", "cannot do this"),
        ("leave", "left"),
        ("interrupt", "interrupted"),
        ("die", "The process of the node ended with exit code 134 before it had a result"),
        ("grow", "The node needed more memory than its limit of 536870912 bytes"),
    ],
)
def test_failures_are_told(act: str, message: str) -> None:
    with pytest.raises(NodeProcessError) as caught:
        apart(act)
    assert str(caught.value) == message


def test_it_is_killed_when_its_time_is_over(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with pytest.raises(NodeProcessError, match="The node took longer than its limit of 4 s"):
        apart("hang", Limits(seconds=4), file=str(file))
    soon(lambda: is_free(file), "the process is gone")


def test_it_is_killed_when_it_is_cancelled(tmp_path: Path) -> None:
    file = tmp_path / "pid"

    async def main() -> None:
        inputs = {"act": "hang", "file": str(file)}
        task = asyncio.create_task(execute_in_process(Apart, inputs, {}, CONTEXT, Limits()))
        await until(lambda: file.exists() and bool(file.read_text()))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    soon(lambda: is_free(file), "the process is gone")


def test_a_worker_runs_it_there_and_its_context_reaches_the_manager(manager: EmbeddedManager) -> None:
    async def main() -> None:
        client = StateManager("demo", manager.uri, manager.key)
        async with running(runtime([Apart], manager.uri, manager.key)), client:
            flow = step(Apart, "a", inputs={"act": "write", "file": "x"})
            await client.upsert_graph("flow", [flow], {"token": "from the flow"})
            run_id = (await client.trigger("flow"))["run_id"]
            graph = await client.wait_for_run(run_id, timeout=60)
            details = await client.get_node("flow", run_id, graph.nodes[0].id)
        assert statuses(graph) == [("a", "SUCCESS")], details
        assert (details.outputs["token"], details.outputs["told"]) == ("from the flow", '["a", "flow", "1"]')

    asyncio.run(main())


@pytest.mark.parametrize("limits", [None, Limits()])
def test_a_runtime_may_give_every_node_a_process(manager: EmbeddedManager, limits: Limits | None) -> None:
    async def main() -> int:
        client = StateManager("demo", manager.uri, manager.key)
        async with running(runtime([Bare], manager.uri, manager.key, limits=limits)), client:
            await client.upsert_graph("flow", [step(Bare, "a")], {})
            run_id = (await client.trigger("flow"))["run_id"]
            graph = await client.wait_for_run(run_id, timeout=60)
            return int((await client.get_node("flow", run_id, graph.nodes[0].id)).outputs["pid"])

    assert (asyncio.run(main()) == os.getpid()) is (limits is None)


def test_classes_of_a_script_are_found_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio\n"
        "from groundup.nodes.context import NodeContext\n"
        "from tests.support.heavy_nodes import Apart\n"
        "class Mine(Apart):\n"
        "    pass\n"
        "if __name__ == '__main__':\n"
        "    from groundup.nodes.process import execute_in_process\n"
        "    context = NodeContext(node_name='Mine')\n"
        "    work = (Mine, {'act': 'work'}, {}, context, Mine.limits)\n"
        "    print(asyncio.run(execute_in_process(*work))[0]['token'])\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "none\n"), done.stderr


def test_what_another_process_cannot_import_is_refused_at_once() -> None:
    class Local(BaseNode):
        limits = Limits()

        async def execute(self) -> None:
            """Never reached."""

    with pytest.raises(RuntimeConfigurationError, match="Local has limits, but is defined inside of"):
        runtime([Local], "http://x", "k")


@pytest.mark.parametrize("limits", [{"memory": 1}, {"seconds": 0}, {"seconds": -1.0}])
def test_limits_that_nothing_can_keep_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(RuntimeConfigurationError, match="Limits: "):
        Limits(**limits)
