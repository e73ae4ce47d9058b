"""Nothing that is secret or a user's own is in any log: a whole run with marked values, then a search."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundup.nodes import (
    GraphNodeModel,
    RetryPolicyModel,
    StateManager,
    StoreConfigModel,
    UnitesModel,
    UnitesStrategyEnum,
)
from groundup.nodes.errors import StateManagerError
from tests.support.background import Background
from tests.support.manager import BASE, V1, Api
from tests.support.managers import ManagerProcess

MARKS = {
    name: f"{name}-do-not-show-7f3a"
    for name in ("api-key", "secret", "input", "output", "store", "pruned", "wrong-input", "team")
}
SECRETS_KEY = "c2VjcmV0LWtleS1kby1ub3Qtc2hvdy03ZjNhLXh4eHg="  # 32 bytes that are marked, too
NODES = """
import sys
from datetime import timedelta
from pydantic import BaseModel
from groundup.nodes import BaseNode, Limits, PruneSignal, ReQueueAfterSignal, Runtime

class Text(BaseModel):
    text: str

class Token(BaseModel):
    token: str

class Split(BaseNode):
    Inputs, Outputs, Secrets = Text, Text, Token

    async def execute(self):
        assert "do-not-show" in self.secrets.token
        self.context.logger.info("splitting")
        await self.context.write_store({"kept": self.inputs.text})
        return [Text(text=f"OUTPUT {number}") for number in range(3)]

class Work(BaseNode):
    Inputs, Outputs, Secrets = Text, Text, Token
    limits = Limits(seconds=60)

    def execute(self):
        return Text(text=self.inputs.text)

class Prune(BaseNode):
    Inputs = Text

    async def execute(self):
        raise PruneSignal({"because": "PRUNED"})

class Number(BaseNode):
    class Inputs(BaseModel):
        text: int

    async def execute(self):
        pass

again = []

class Later(BaseNode):
    Inputs = Text

    async def execute(self):
        again.append(1)
        if len(again) < 2:
            raise ReQueueAfterSignal(timedelta(milliseconds=1))

if __name__ == "__main__":
    Runtime("demo", "worker", [Split, Work, Prune, Number, Later], poll_interval=0.05).start()
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A worker whose nodes give marked values."""
    path = tmp_path / "marked.py"
    path.write_text(NODES.replace("OUTPUT", MARKS["output"]).replace("PRUNED", MARKS["pruned"]))
    return path


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ManagerProcess]:
    variables = {"STATE_MANAGER_SECRET": MARKS["api-key"], "SECRETS_ENCRYPTION_KEY": SECRETS_KEY}
    with ManagerProcess(tmp_path / "manager.db", variables=variables) as process:
        yield process


def place(node: str, *following: str, text: str, unites: str | None = None) -> GraphNodeModel:
    return GraphNodeModel(
        node_name=node,
        namespace="demo",
        identifier=node.lower(),
        inputs={"text": text},
        next_nodes=list(following),
        unites=None
        if unites is None
        else UnitesModel(identifier=unites, strategy=UnitesStrategyEnum.ALL_DONE),
    )


FLOW = [
    place("Split", "work", "prune", "number", text="none"),
    place("Work", "later", text="${{ split.outputs.text }} ${{ store.word }}"),
    place("Prune", text=MARKS["input"]),
    place("Number", text=MARKS["wrong-input"]),
    place("Later", text="${{ split.outputs.text }}", unites="split"),
]


async def work_through(uri: str) -> dict[str, int]:
    """Every outcome that there is, refusals and mistakes of callers among them; the counted statuses."""
    async with StateManager("demo", uri, MARKS["api-key"]) as client:
        async with asyncio.timeout(60):
            while True:
                try:
                    await client.upsert_graph(
                        "marked",
                        FLOW,
                        {"token": MARKS["secret"]},
                        retry_policy=RetryPolicyModel(max_retries=1, backoff_factor=1),
                        store_config=StoreConfigModel(required_keys=["word"]),
                    )
                    break
                except StateManagerError as error:
                    assert "does not exist." in str(error)
                    await asyncio.sleep(0.1)
        for _ in range(2):
            run_id = (await client.trigger("marked", {"text": MARKS["input"]}, {"word": MARKS["store"]}))[
                "run_id"
            ]
            graph = await client.wait_for_run(run_id, timeout=60)
        return {status.value: count for status, count in graph.execution_summary.items()}


def make_mistakes(uri: str) -> None:
    """Requests that are refused, with marked values where values are."""
    api, team = Api(uri, MARKS["api-key"]), Api(uri, MARKS["team"])
    assert team("GET", f"{BASE}/nodes/").status == 401
    made = api("POST", "/v1/keys", {"name": "team", "namespaces": ["team"]}).body
    assert Api(uri, made["key"])("GET", f"{BASE}/nodes/").status == 403
    for body in (
        {"inputs": {"text": [MARKS["input"]]}},
        {"store": {"word": MARKS["store"]}, "start_delay": "x"},
    ):
        assert api("POST", f"{BASE}/graph/marked/trigger", body).status == 422
    assert (
        api("POST", f"{BASE}/graph/marked/trigger", {"inputs": {"text": "${{" + MARKS["input"]}}).status
        == 400
    )
    wrong = {"secrets": {"token": MARKS["secret"]}, "nodes": [{"node_name": MARKS["input"]}]}
    assert api("PUT", f"{BASE}/graph/wrong", wrong).status == 422
    assert (
        api("POST", f"{BASE}/state/{'0' * 24}/executed", {"outputs": [{"text": MARKS["output"]}]}).status
        == 404
    )
    assert api("PUT", f"{V1}/state/{'0' * 24}/store", {"values": {"k": MARKS["store"]}}).status == 404
    assert api("POST", f"{BASE}/state/x/errored", b'{"error": "' + MARKS["output"].encode()).status == 422


def test_no_log_shows_keys_secrets_inputs_or_outputs(
    manager: ManagerProcess, program: Path, tmp_path: Path
) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "EXOSPHERE_STATE_MANAGER_URI": manager.uri,
        "EXOSPHERE_API_KEY": MARKS["api-key"],
        "EXOSPHERE_LOG_LEVEL": "DEBUG",
    }
    with Background([sys.executable, str(program)], env=env, cwd=tmp_path) as worker:
        counted = asyncio.run(work_through(manager.uri))
        make_mistakes(manager.uri)
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0
    manager.send(signal.SIGTERM)
    assert manager.wait() == 0
    assert {name for name, count in counted.items() if count} == {
        "SUCCESS",
        "PRUNED",
        "ERRORED",
        "RETRY_CREATED",
    }
    said = worker.stdout + worker.stderr + manager.stdout + manager.stderr
    assert "splitting" in said and "state manager on" in said  # the logs are there
    assert [mark for mark in (*MARKS.values(), SECRETS_KEY, "do-not-show") if mark in said] == []
