"""A worker as a script starts it: logging, signals, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from groundup.manager import EmbeddedManager
from groundup.nodes import GraphNodeModel, StateManager
from tests.support.background import Background, until

SCRIPT = """
import asyncio, logging, sys, time
from groundup.nodes import BaseNode, Runtime

class Nothing(BaseNode):
    async def execute(self):
        pass

if "--configured" in sys.argv:
    logging.basicConfig(level=logging.ERROR)
Runtime("demo", "worker", [Nothing]).start()
print("ended", flush=True)
"""


@contextmanager
def worker(
    manager: EmbeddedManager,
    folder: Path,
    *words: str,
    code: str = SCRIPT,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Background]:
    """A worker in a process of its own, whose address stands in `.env` of its folder.

    Its environment is none of a repository, whose `.env` would be read instead.
    """
    (folder / ".env").write_text(
        f'# the manager\nEXOSPHERE_STATE_MANAGER_URI="{manager.uri}"\nEXOSPHERE_API_KEY={manager.key}\n'
    )
    env = {"PATH": os.environ["PATH"], **(variables or {})}
    apart = f"import sys; sys.prefix = {str(folder)!r}\n{code}"
    with Background([sys.executable, "-c", apart, *words], env=env, cwd=folder) as process:
        yield process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_logs_and_ends_in_order(manager: EmbeddedManager, tmp_path: Path, number: signal.Signals) -> None:
    with worker(manager, tmp_path) as process:
        process.wait_for_stderr("| INFO | groundup.nodes.runtime | registered nodes ['Nothing']\n")
        process.send(number)
        assert process.wait() == 0
    assert process.stdout == "ended\n"
    assert manager.key not in process.stderr


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["--configured"], {}),
        ([], {"EXOSPHERE_DISABLE_DEFAULT_LOGGING": "1"}),
        ([], {"EXOSPHERE_LOG_LEVEL": "error"}),
    ],
)
def test_it_is_silent_where_that_is_wanted(
    manager: EmbeddedManager, tmp_path: Path, words: list[str], variables: dict[str, str]
) -> None:
    (tmp_path / ".env").touch()
    with worker(manager, tmp_path, *words, variables={**variables, "EXOSPHERE_API_KEY": "wrong"}) as process:
        assert process.wait() == 1
    assert "INFO" not in process.stderr and "registering" not in process.stderr
    assert "Failed to register nodes: Invalid API key" in process.stderr  # real variables win


def test_sigterm_lets_what_runs_end_and_gives_the_rest_back(manager: EmbeddedManager, tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from groundup.nodes import BaseNode, Runtime

class Waiting(BaseNode):
    def execute(self):
        Path("started").touch()
        while not Path("go on").exists():
            time.sleep(0.01)

Runtime("demo", "worker", [Waiting], workers=1).start()
"""
    client = StateManager("demo", manager.uri, manager.key)
    flow = [GraphNodeModel(node_name="Waiting", namespace="demo", identifier="a")]

    async def trigger() -> list[str]:
        await client.upsert_graph("flow", flow, {})
        return [(await client.trigger("flow"))["run_id"] for _ in range(3)]

    async def found() -> list[str]:
        return sorted([(await client.get_run(run)).nodes[0].status.value for run in runs])

    with worker(manager, tmp_path, code=code) as process:
        process.wait_for_stderr("registered nodes")
        runs = asyncio.run(trigger())
        until((tmp_path / "started").exists, "one runs")
        until(lambda: asyncio.run(found()) == ["QUEUED"] * 3, "all are claimed")
        process.send(signal.SIGTERM)
        until(lambda: asyncio.run(found()) == ["CREATED", "CREATED", "QUEUED"], "two are given back")
        (tmp_path / "go on").touch()
        assert process.wait() == 0
    assert asyncio.run(found()) == ["CREATED", "CREATED", "SUCCESS"]


def test_a_node_in_a_thread_does_not_keep_the_process(manager: EmbeddedManager, tmp_path: Path) -> None:
    """After the grace period it is given back, and the process ends."""
    code = """
import asyncio, time
from groundup.nodes import BaseNode, GraphNodeModel, Runtime, StateManager

class Endless(BaseNode):
    def execute(self):
        print("started", flush=True)
        time.sleep(3600)

async def main():
    runtime = Runtime("demo", "worker", [Endless], grace_period=0.1)
    task = runtime.start()
    await runtime.registered.wait()
    node = GraphNodeModel(node_name="Endless", namespace="demo", identifier="a")
    client = StateManager("demo")
    await client.upsert_graph("flow", [node], {})
    run_id = (await client.trigger("flow"))["run_id"]
    while (await client.get_run(run_id)).nodes[0].status != "QUEUED":
        await asyncio.sleep(0.01)
    runtime.stop()
    await task
    print((await client.get_run(run_id)).nodes[0].status.value, flush=True)

asyncio.run(main())
"""
    env = {
        "PATH": os.environ["PATH"],
        "EXOSPHERE_STATE_MANAGER_URI": manager.uri,
        "EXOSPHERE_API_KEY": manager.key,
    }
    with Background([sys.executable, "-c", code], env=env, cwd=tmp_path) as process:
        assert process.wait() == 0, process.stderr
    assert process.stdout.splitlines()[-1] == "CREATED"
