"""The manager is killed while a worker works: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel

from groundup.nodes import (
    BaseNode,
    RetryPolicyModel,
    RetryStrategyEnum,
    RunStatus,
    StateManager,
    StateStatus,
    UnitesModel,
)
from tests.support.workers import running, runtime, step

RUNS = 40
KILLS = 4
SEED = 20
OWNER = """
import sys
from groundup.manager import EmbeddedManager
with EmbeddedManager(sys.argv[1], port=int(sys.argv[2]), key="key") as manager:
    print(manager.uri, flush=True)
    sys.stdin.read()
"""


class Work(BaseNode):
    class Outputs(BaseModel):
        word: str

    async def execute(self) -> BaseModel:
        await asyncio.sleep(0.005)
        return self.Outputs(word="done")


class Owner:
    """A process that serves the database, always on the same port."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._process: subprocess.Popen[str] | None = None
        self.uri = ""

    def start(self) -> None:
        port = self.uri.rpartition(":")[2] or "0"
        self._process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(self._database), port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.uri = self._process.stdout.readline().strip()
        assert self.uri

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


@asynccontextmanager
async def owned(database: Path) -> AsyncIterator[Owner]:
    owner = Owner(database)
    await asyncio.to_thread(owner.start)
    try:
        yield owner
    finally:
        owner.kill()


async def _runs_under_fire(database: Path) -> list[tuple[RunStatus, list[str]]]:
    """Status of each run, and identifiers of those of its node states that were not tried again."""
    chance = random.Random(SEED)  # noqa: S311 - which moments are hit
    steps = [
        step(Work, "root", "left", "right"),
        step(Work, "left", "join"),
        step(Work, "right", "join"),
        step(Work, "join", unites=UnitesModel(identifier="root")),
    ]
    policy = RetryPolicyModel(max_retries=KILLS + 1, strategy=RetryStrategyEnum.FIXED, backoff_factor=10)
    async with owned(database) as owner, running(runtime([Work], owner.uri, "key", workers=16, lease=3)):
        client = StateManager("demo", owner.uri, "key")
        await client.upsert_graph("flow", steps, {}, retry_policy=policy)
        started = [(await client.trigger("flow"))["run_id"] for _ in range(RUNS)]
        for _ in range(KILLS):
            await asyncio.sleep(chance.random() / 4)
            owner.kill()
            await asyncio.to_thread(owner.start)
        graphs = [await client.wait_for_run(run_id, timeout=120) for run_id in started]
    retried = StateStatus.RETRY_CREATED
    return [
        (graph.status, sorted(node.identifier for node in graph.nodes if node.status != retried))
        for graph in graphs
    ]


def test_every_node_state_succeeds_exactly_once(tmp_path: Path) -> None:
    found = asyncio.run(_runs_under_fire(tmp_path / "manager.db"))
    assert found == [(RunStatus.SUCCESS, ["join", "left", "right", "root"])] * RUNS
