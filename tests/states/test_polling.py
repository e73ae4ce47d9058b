"""The states of nodes and flows: a manager answers, it knows nodes and flows, a worker polls."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundup.config import Config
from groundup.dag import Report, Runner, StateGraph, state
from groundup.manager import EmbeddedManager
from groundup.nodes import StateManager
from groundup.nodes.background import PollingWorker
from groundup.states import polling
from groundup.states.flows import FlowsNotValidError
from groundup.states.polling import ManagerAddress, RegisteredNodes
from tests.support.foreign_manager import ForeignManager
from tests.support.repositories import write

NODES = """
from pydantic import BaseModel
from groundup.nodes import BaseNode

class Greet(BaseNode):
    class Inputs(BaseModel):
        name: str

    class Outputs(BaseModel):
        greeting: str

    def execute(self):
        return self.Outputs(greeting=f"hello {self.inputs.name}")
"""
FLOW = """
[[nodes]]
node_name = "Greet"
identifier = "greet"
inputs = { name = "you" }
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    """A repository that names a node and has a flow of it."""
    for name in ("EXOSPHERE_STATE_MANAGER_URI", "EXOSPHERE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    module = f"nodes_of_{tmp_path.name}"
    write(tmp_path, f"{module}.py", NODES)
    write(tmp_path, "flows/hello.toml", FLOW)
    yield Config(tmp_path, tmp_path / ".venv", neo={"nodes": [f"{module}:Greet"]})
    sys.modules.pop(module, None)


@pytest.fixture
def manager(repo: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedManager]:
    """A configured state manager."""
    with EmbeddedManager(repo.root / "manager.db") as served:
        monkeypatch.setenv("EXOSPHERE_STATE_MANAGER_URI", served.uri)
        monkeypatch.setenv("EXOSPHERE_API_KEY", served.key)
        yield served


def runner(repo: Config, *more: Any, **params: Any) -> Runner:
    """Reaches the built-in states, and ``more``, in ``repo``."""
    states = [value for value in vars(polling).values() if isinstance(value, type(polling.nodes_polling))]
    graph = StateGraph([_config, _ready, *states, *more])
    return Runner(graph, overrides={"config": repo}, params=params)


@state(name="config")
def _config() -> Config:
    """Overridden."""
    raise AssertionError


@state(name="ready")
def _ready() -> None:
    """There is an environment."""


def error_of(report: Report) -> BaseException:
    (failure,) = report.failures
    assert failure.error is not None
    return failure.error


def test_the_configured_manager_is_ready_when_it_answers(repo: Config, manager: EmbeddedManager) -> None:
    with runner(repo) as running:
        ready = running.reach("state_manager_ready").value("state_manager_ready")
    assert ready == ManagerAddress(manager.uri, manager.key)
    assert manager.key not in repr(ready) and str(ready) == manager.uri


def test_without_one_the_repository_has_its_own_as_long_as_it_is_needed(repo: Config) -> None:
    with runner(repo) as running:
        ready = running.reach("state_manager_ready").value("state_manager_ready")
        assert asyncio.run(StateManager("default", ready.uri, ready.key).list_graphs()) == []
    with runner(repo, state_manager_ready={"embedded": False}) as running:
        assert "State manager URI is not set" in str(error_of(running.reach("state_manager_ready")))


def test_a_key_that_is_refused_and_a_manager_that_is_silent_are_told(
    repo: Config, manager: EmbeddedManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXOSPHERE_API_KEY", "wrong")
    with runner(repo) as running:
        assert "refuses the API key" in str(error_of(running.reach("state_manager_ready")))
    manager.close()
    with runner(repo, state_manager_ready={"wait": 0.1}) as running:
        assert "does not answer" in str(error_of(running.reach("state_manager_ready")))


def test_nodes_of_the_configuration_are_registered(repo: Config, manager: EmbeddedManager) -> None:
    with runner(repo, nodes_registered={"namespace": "shop", "name": "desk"}) as running:
        nodes: RegisteredNodes = running.reach("nodes_registered").value("nodes_registered")
    assert (nodes.namespace, nodes.name, str(nodes)) == ("shop", "desk", "Greet in shop")
    client = StateManager("shop", manager.uri, manager.key)

    async def registered() -> Any:
        return (await client._call("GET", "nodes", "")).json()["nodes"]

    (node,) = asyncio.run(registered())
    assert (node["name"], node["runtime_name"]) == ("Greet", "desk")


def test_without_nodes_nothing_is_registered_and_nothing_can_poll(repo: Config) -> None:
    with runner(Config(repo.root, repo.venv)) as running:
        nodes = running.reach("nodes_registered").value("nodes_registered")
        assert str(nodes) == "no nodes are configured"
        assert "state_manager_ready" not in [
            outcome.state.name for outcome in running.reach("nodes_registered").outcomes
        ]
        assert str(error_of(running.reach("nodes_polling"))) == "poll needs a node"


def test_flows_are_saved_once_and_again_where_they_changed(repo: Config, manager: EmbeddedManager) -> None:
    def applied() -> str:
        with runner(repo) as running:
            return str(running.reach("flows_applied").value("flows_applied"))

    assert applied() == "hello of default: created, VALID"
    assert applied() == "hello of default: unchanged, VALID"
    write(repo.root, "flows/hello.toml", FLOW.replace("you", "me"))
    assert applied() == "hello of default: updated, VALID"


def test_flows_that_cannot_run_are_told_with_everything_that_keeps_them_from_it(
    repo: Config, manager: EmbeddedManager
) -> None:
    write(repo.root, "flows/bad.yaml", "nodes: [{node_name: Gone, identifier: a, timeout: 10}]")
    write(repo.root, "flows/malformed.toml", FLOW + FLOW.replace('identifier = "greet"', 'identifier = "b"'))
    with runner(repo) as running:
        error = error_of(running.reach("flows_applied"))
    assert isinstance(error, FlowsNotValidError)
    found = {flow.name: (flow.change, flow.status) for flow in error.applied.flows}
    assert found == {
        "bad": ("created", "INVALID"),
        "hello": ("created", "VALID"),
        "malformed": ("refused", "REFUSED"),
    }
    assert "flows/malformed.toml: There should be exactly one root node" in str(error)
    assert "pydantic" not in str(error)
    assert "flows/bad.yaml: Node Gone in namespace default does not exist." in str(error)


def test_secrets_that_are_missing_save_nothing(
    repo: Config, manager: EmbeddedManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repo.root, "flows/late.toml", f'secrets = ["LATE_TOKEN"]\n{FLOW}')
    with runner(repo) as running:
        assert "the variable LATE_TOKEN is not set" in str(error_of(running.reach("flows_applied")))
    assert asyncio.run(StateManager("default").list_graphs()) == []
    write(repo.root, ".env", "LATE_TOKEN=now")
    with runner(repo) as running:
        assert running.reach("flows_applied").ok


def test_without_flow_files_there_is_nothing_to_do(repo: Config, manager: EmbeddedManager) -> None:
    with runner(repo, flows_applied={"files": []}) as running:
        assert str(running.reach("flows_applied").value("flows_applied")) == "there are no flow files"


async def executed(manager: ManagerAddress) -> str:
    client = StateManager("default", manager.uri, manager.key)
    started = await client.trigger("hello")
    run = await client.wait_for_run(started["run_id"], timeout=60)
    details = await client.get_node("hello", started["run_id"], run.nodes[0].id)
    return str(details.outputs["greeting"])


def test_states_of_a_client_find_a_worker_at_work(repo: Config) -> None:
    """Until everything is reached; then it has ended, and so has the manager."""

    @state(needs=["flows_applied", "nodes_polling"])
    async def smoke_test(state_manager_ready: ManagerAddress) -> str:
        """A flow runs."""
        return await executed(state_manager_ready)

    with runner(repo, smoke_test, nodes_polling={"workers": 1}) as running:
        report = running.reach("smoke_test")
        assert report.value("smoke_test") == "hello you"
        worker: PollingWorker = report.value("nodes_polling")
        assert not worker.wait(0)
    assert worker.wait(60)


def test_a_state_that_replaces_one_counts_for_those_that_need_it(
    repo: Config, manager: EmbeddedManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXOSPHERE_STATE_MANAGER_URI", "http://127.0.0.1:9")

    @state(replaces="state_manager_ready")
    def state_manager_ready() -> ManagerAddress:
        """The one of the team."""
        return ManagerAddress(manager.uri, manager.key)

    with runner(repo, state_manager_ready) as running:
        assert running.reach("flows_applied").ok


def test_they_work_with_another_make_of_manager(repo: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that verifies flows later, and says so when it is asked again."""
    with ForeignManager(checks=2) as foreign:
        monkeypatch.setenv("EXOSPHERE_STATE_MANAGER_URI", foreign.base)
        monkeypatch.setenv("EXOSPHERE_API_KEY", "key")
        with runner(repo) as running:
            assert str(running.reach("flows_applied").value("flows_applied")).endswith("VALID")
