"""`groundup poll`: a worker process for nodes of the repository."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from groundup.manager import EmbeddedManager
from groundup.nodes import GraphNodeModel, StateManager
from groundup.nodes.wire import NodeDetails
from tests.support.background import Background
from tests.support.neo import Neo
from tests.support.repositories import write

NODES = '''
    """Nodes of this repository."""

    from pydantic import BaseModel

    from groundup.nodes import BaseNode


    class Greet(BaseNode):
        class Inputs(BaseModel):
            name: str

        class Outputs(BaseModel):
            greeting: str

        async def execute(self) -> Outputs:
            return self.Outputs(greeting=f"hello {self.inputs.name}")
'''


@pytest.fixture
def greeting(neo: Neo) -> str:
    """The reference of a node in a module in root."""
    write(neo.repo, "greeting_nodes.py", NODES)
    return "greeting_nodes:Greet"


async def greet(manager: EmbeddedManager) -> NodeDetails:
    """Run a flow of one node and return what the manager keeps of it."""
    client = StateManager("default", manager.uri, manager.key)
    node = GraphNodeModel(node_name="Greet", namespace="default", identifier="greet", inputs={"name": "you"})
    await client.upsert_graph("hello", [node], {})
    run = (await client.trigger("hello"))["run_id"]
    graph = await client.wait_for_run(run)
    return await client.get_node("hello", run, graph.nodes[0].id)


def test_it_executes_what_a_manager_hands_out_and_drains_on_sigterm(
    neo: Neo, greeting: str, tmp_path: Path
) -> None:
    with EmbeddedManager(tmp_path / "manager.db") as manager:
        env = {**neo.env, "EXOSPHERE_STATE_MANAGER_URI": manager.uri, "EXOSPHERE_API_KEY": manager.key}
        with Background(neo.module("poll", "--node", greeting), env=env, cwd=neo.repo) as worker:
            worker.wait_for_stderr("registered nodes")
            details = asyncio.run(greet(manager))
            worker.send(signal.SIGTERM)
            assert worker.wait() == 0
    assert (details.status, details.outputs) == ("SUCCESS", {"greeting": "hello you"})
    assert worker.stdout == ""


def test_without_a_manager_it_serves_the_embedded_one(neo: Neo, greeting: str) -> None:
    with Background(neo.module("poll", "--node", greeting), env=dict(neo.env), cwd=neo.repo) as worker:
        worker.wait_for_stderr("registered nodes")
        assert (neo.repo / ".groundup/manager.db").is_file()
        worker.send(signal.SIGINT)
        assert worker.wait() == 0


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "poll needs a node"),
        (["--node", "greeting_nodes"], "--node greeting_nodes: not MODULE:CLASS"),
        (["--node", "nowhere:Node"], "--node nowhere:Node: there is no module nowhere"),
    ],
)
def test_what_cannot_be_polled_for_is_named(neo: Neo, words: list[str], error: str) -> None:
    done = neo.run(neo.module("poll", *words))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == f"error: {error}"


def test_a_class_that_is_not_there_is_told_with_those_that_are(neo: Neo, greeting: str) -> None:
    done = neo.run(neo.module("poll", "--node", "greeting_nodes:Gret"))
    assert done.returncode == 2
    assert "has no class Gret" in done.stderr and "Greet" in done.stderr.splitlines()[1]
