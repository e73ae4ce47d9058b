"""`groundup poll`: a worker process for nodes of the repository."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest

from groundup.manager import EmbeddedManager
from groundup.nodes import GraphNodeModel, StateManager
from groundup.nodes.wire import NodeDetails
from tests.support.background import Background
from tests.support.neo import Neo
from tests.support.process import run_kernel
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


class Address(NamedTuple):
    """Where a manager is."""

    uri: str
    key: str


@contextmanager
def nodes_configured(neo: Neo, *references: str) -> Iterator[int]:
    """Let the configuration name nodes for the block; give the line where."""
    file = neo.repo / "groundup.toml"
    text = file.read_text()
    file.write_text(f"{text}\n[neo]\nnodes = {json.dumps(references)}\n")
    try:
        run_kernel(neo.repo, "run", "true", env=neo.env, check=True)
        yield text.count("\n") + 3
    finally:
        file.write_text(text)
        run_kernel(neo.repo, "run", "true", env=neo.env, check=True)


async def greet(manager: EmbeddedManager | Address) -> NodeDetails:
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


def test_nodes_and_address_come_from_the_configuration_and_env_file(
    neo: Neo, greeting: str, tmp_path: Path
) -> None:
    """Real variables win over those of the file."""
    with EmbeddedManager(tmp_path / "manager.db") as manager, nodes_configured(neo, greeting):
        write(neo.repo, ".env", f"EXOSPHERE_STATE_MANAGER_URI={manager.uri}\nEXOSPHERE_API_KEY=wrong\n")
        env = {**neo.env, "EXOSPHERE_API_KEY": manager.key}
        with Background(neo.module("poll", "--metrics-port", "0"), env=env, cwd=neo.repo) as worker:
            worker.wait_for_stderr("registered nodes ['Greet']")
            details = asyncio.run(greet(manager))
            metrics = re.search(r"metrics on (http://\S+)", worker.stderr)
            assert metrics is not None
            with urlopen(metrics[1], timeout=30) as answer:
                counted = answer.read().decode()
            worker.send(signal.SIGTERM)
            assert worker.wait() == 0
    (neo.repo / ".env").unlink()
    assert details.outputs == {"greeting": "hello you"}
    assert 'groundup_execution_seconds_count{node="Greet",outcome="executed"} 1.0' in counted


def test_a_second_worker_joins_the_manager_of_the_first_and_serves_after_it(neo: Neo, greeting: str) -> None:
    command = neo.module("poll", "--node", greeting)
    with Background(command, env=dict(neo.env), cwd=neo.repo) as first:
        first.wait_for_stderr("registered nodes")
        with Background(command, env=dict(neo.env), cwd=neo.repo) as second:
            second.wait_for_stderr("joined the state manager")
            second.wait_for_stderr("registered nodes")
            first.kill()
            first.wait()
            second.wait_for_stderr("serving the state manager")
            keys = json.loads((neo.repo / ".groundup/manager.db.keys").read_text())
            uri = (neo.repo / ".groundup/manager.db.address").read_text().strip()
            details = asyncio.run(greet(Address(uri, keys["api_key"])))
            second.send(signal.SIGTERM)
            assert second.wait() == 0
    assert details.status == "SUCCESS"


def test_a_manager_that_is_not_there_is_waited_for_until_sigterm(neo: Neo, greeting: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
        env = {**neo.env, "EXOSPHERE_STATE_MANAGER_URI": uri, "EXOSPHERE_API_KEY": "key"}
        with Background(neo.module("poll", "--node", greeting), env=env, cwd=neo.repo) as worker:
            worker.wait_for_stderr(f"the state manager does not answer at {uri}")
            worker.send(signal.SIGTERM)
            assert worker.wait() == 0


STATES = """
import sys

from groundup import state


@state
def models_downloaded() -> None:
    "Models are there."
    print("models are there", file=sys.stderr)


@state(replaces="nodes_registered", needs=["models_downloaded"])
def nodes_registered(replaced):
    "Nodes are registered, and their models are there."
    return replaced
"""


def test_states_of_the_repository_are_reached_before_it_polls(
    neo: Neo, greeting: str, tmp_path: Path
) -> None:
    states = write(neo.repo, "groundup_states.py", STATES)
    with EmbeddedManager(tmp_path / "manager.db") as manager:
        env = {**neo.env, "EXOSPHERE_STATE_MANAGER_URI": manager.uri, "EXOSPHERE_API_KEY": manager.key}
        try:
            with Background(neo.module("poll", "--node", greeting), env=env, cwd=neo.repo) as worker:
                worker.wait_for_stderr("registered nodes")
                worker.send(signal.SIGTERM)
                assert worker.wait() == 0
        finally:
            states.unlink()
    assert worker.stderr.index("models are there") < worker.stderr.index("registered nodes")


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
        (["--node", "greeting_nodes"], "node greeting_nodes: not MODULE:CLASS"),
        (["--node", "nowhere:Node"], "node nowhere:Node: there is no module nowhere"),
    ],
)
def test_what_cannot_be_polled_for_is_named(neo: Neo, words: list[str], error: str) -> None:
    done = neo.run(neo.module("poll", *words))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == f"error: {error}"


def test_what_is_wrong_in_the_configuration_is_told_with_its_place(neo: Neo, greeting: str) -> None:
    with nodes_configured(neo, greeting, "nowhere:Node") as line:
        done = neo.run(neo.module("poll"))
    assert done.returncode == 2
    first = done.stderr.splitlines()[0]
    assert first == f"error: {neo.repo}/groundup.toml:{line}: nowhere:Node: there is no module nowhere"


def test_a_class_that_is_not_there_is_told_with_those_that_are(neo: Neo, greeting: str) -> None:
    done = neo.run(neo.module("poll", "--node", "greeting_nodes:Gret"))
    assert done.returncode == 2
    assert "has no class Gret" in done.stderr and "Greet" in done.stderr.splitlines()[1]
