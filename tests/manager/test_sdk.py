"""The protocol's own SDK, unchanged, against this manager: everything that it can do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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


def test_a_node_that_works_the_second_time_and_gives_nothing(session: Session) -> None:
    assert sorted(session.nodes("again")) == [("a", "RETRY_CREATED"), ("a", "SUCCESS"), ("b", "SUCCESS")]
    assert session.outputs("again", "b") == [{}]


def test_inputs_that_do_not_fit(session: Session) -> None:
    assert session.nodes("picky") == [("a", "RETRY_CREATED"), ("a", "ERRORED")]
    assert {node["error"].splitlines()[0] for node in session.graph("picky")["nodes"]} == {
        "1 validation error for Inputs"
    }


def test_a_join_that_wants_success(session: Session) -> None:
    names = [name for name, status in session.nodes("success") if status == "SUCCESS"]
    assert {name: names.count(name) for name in names} == {"split": 2, "one": 2, "two": 2, "join": 1}
    assert "join" not in [name for name, _ in session.nodes("failed")]


def test_a_run_that_starts_later(session: Session) -> None:
    run, began = session.report["delayed"]
    path = f"{BASE}/states/run/{run}/graph"
    until(lambda: session.api("GET", path).body["execution_summary"]["PRUNED"] == 1, "the end of the run")
    (node,) = session.api("GET", path).body["nodes"]
    info = session.api("GET", f"/v1/namespace/sdk/state/{node['id']}").body
    due = datetime.fromisoformat(info["enqueue_after"]).timestamp() * 1000
    assert began + 300 <= due


def test_a_flow_that_is_saved_anew(session: Session) -> None:
    changed = session.report["changed"]
    assert changed["status"] == "VALID"
    assert changed["without"].startswith("Failed to trigger state: 400 ")
    assert "Missing store keys: {'k'}" in changed["without"]
    path = f"{BASE}/states/run/{changed['run']}/graph"
    until(lambda: session.api("GET", path).body["execution_summary"]["SUCCESS"] == 2, "the end of the run")
    last = session.api("GET", path).body["nodes"][-1]
    shown = session.api("GET", f"{BASE}/graph/changed/run/{changed['run']}/node/{last['id']}").body
    assert (shown["identifier"], shown["outputs"]) == ("d", {"text": "Z!"})


def test_a_trigger(session: Session) -> None:
    assert session.report["timed"]["validation_status"] == "VALID"
    expected = [{"type": "CRON", "value": {"expression": "0 9 * * MON"}}]
    assert session.report["timed"]["triggers"] == expected
    listed = session.api("GET", "/v1/namespace/sdk/triggers?graph_name=timed").body["triggers"]
    assert [each["trigger"]["expression"] for each in listed] == ["0 9 * * MON"]


def test_refusals(session: Session) -> None:
    assert session.report["invalid"].startswith("Graph validation failed: INVALID and errors: ")
    assert "Node Nobody in namespace sdk does not exist." in session.report["invalid"]
    assert session.report["missing"].startswith("Failed to get graph: 404 ")
    assert session.report["cron"].startswith("Failed to upsert graph: 422 ")
    assert "Invalid cron expression" in session.report["cron"]
    malformed, unknown = session.report["malformed"], session.report["unknown"]
    assert malformed.startswith("Failed to upsert graph: 400 ")
    assert "Node identifier gone does not exist in the graph" in malformed
    assert unknown.startswith("Failed to trigger state: 404 ")
    assert "Graph template not found for namespace sdk and graph nowhere" in unknown
