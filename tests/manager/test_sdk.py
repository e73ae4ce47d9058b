"""The protocol's own SDK, unchanged, against this manager: everything that it can do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.background import until
from tests.support.manager import Api, Served
from tests.support.sdk import make_environment

WORKER = Path(__file__).with_name("sdk_worker.py")
BASE = "/v0/namespace/sdk"


@pytest.fixture(scope="module")
def sdk_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("sdk") / "venv")


@dataclass(frozen=True)
class Session:
    """A manager, and what the SDK said about its calls."""

    api: Api
    report: dict[str, Any]

    def graph(self, flow: str) -> dict[str, Any]:
        """The picture of the run of a flow once it has ended."""
        path = f"{BASE}/states/run/{self.report['runs'][flow]}/graph"

        def ended() -> bool:
            summary = self.api("GET", path).body["execution_summary"]
            return not summary["CREATED"] + summary["QUEUED"] + summary["EXECUTED"]

        until(ended, f"the end of {flow}")
        picture: dict[str, Any] = self.api("GET", path).body
        return picture

    def nodes(self, flow: str) -> list[tuple[str, str]]:
        return [(node["identifier"], node["status"]) for node in self.graph(flow)["nodes"]]

    def outputs(self, flow: str, identifier: str) -> list[Any]:
        run = self.report["runs"][flow]
        paths = [
            f"{BASE}/graph/{flow}/run/{run}/node/{node['id']}"
            for node in self.graph(flow)["nodes"]
            if node["identifier"] == identifier
        ]
        return [self.api("GET", path).body["outputs"] for path in paths]


@pytest.fixture(scope="module")
def session(served: Served, sdk_python: Path) -> Iterator[Session]:
    environment = {
        "EXOSPHERE_STATE_MANAGER_URI": served.uri,
        "EXOSPHERE_API_KEY": served.key,
        "EXOSPHERE_DISABLE_DEFAULT_LOGGING": "1",
    }
    worker = subprocess.Popen(
        [sdk_python, "-I", WORKER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with worker:
        try:
            assert worker.stdout is not None
            yield Session(Api(served.uri, served.key), json.loads(worker.stdout.readline()))
            assert worker.poll() is None  # whatever happened, the runtime is alive
        finally:
            worker.kill()


def test_flows_are_saved_and_read(session: Session) -> None:
    assert set(session.report["statuses"].values()) == {"VALID"}
    graph = session.report["graph"]
    assert graph["secrets"] == {"token": True, "unused": True}
    assert graph["retry_policy"]["strategy"] == "FIXED"
    assert [node["identifier"] for node in graph["nodes"]] == ["root", "split", "upper", "join"]


def test_fan_out_store_placeholders_and_join(session: Session) -> None:
    expected = [("root", 1), ("split", 3), ("upper", 3), ("join", 1)]
    nodes = session.nodes("fan")
    assert {status for _, status in nodes} == {"SUCCESS"}
    names = [identifier for identifier, _ in nodes]
    assert [(name, names.count(name)) for name, _ in expected] == expected
    texts = sorted(output["text"] for output in session.outputs("fan", "upper"))
    assert texts == ["<A>", "<B>", "<C>"]


def test_secrets(session: Session) -> None:
    assert session.outputs("secrets", "a") == [{"text": "cba"}]


def test_errors_and_retries(session: Session) -> None:
    assert session.nodes("errors") == [("a", "RETRY_CREATED"), ("a", "ERRORED")]
    assert {node["error"] for node in session.graph("errors")["nodes"]} == {"broken on purpose"}


def test_prune(session: Session) -> None:
    assert session.nodes("prune") == [("a", "PRUNED")]


def test_requeue(session: Session) -> None:
    assert session.nodes("requeue") == [("a", "SUCCESS")]


def test_refusals(session: Session) -> None:
    malformed, unknown = session.report["malformed"], session.report["unknown"]
    assert malformed.startswith("Failed to upsert graph: 400 ")
    assert "Node identifier gone does not exist in the graph" in malformed
    assert unknown.startswith("Failed to trigger state: 404 ")
    assert "Graph template not found for namespace sdk and graph nowhere" in unknown
