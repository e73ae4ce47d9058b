"""Runs over HTTP: from trigger to details, every answer of a worker, and what goes beyond the protocol."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.support.manager import BASE, Answer, Api, claim, hello

pytestmark = pytest.mark.usefixtures("registered")


class TestRuns:
    def test_a_run_from_trigger_to_its_details(self, api: Api) -> None:
        answer = api("POST", f"{BASE}/graph/hello/trigger", {"inputs": {"name": "alice"}})
        run_id = answer.body["run_id"]
        assert (answer.status, answer.body) == (200, {"status": "CREATED", "run_id": run_id})
        assert uuid.UUID(run_id).version == 4

        answer = api("POST", f"{BASE}/states/enqueue", {"nodes": ["Hello"], "batch_size": 1})
        (state,) = answer.body.pop("states")
        assert answer.body == {"count": 1, "namespace": "demo", "status": "QUEUED"}
        assert set(state) == {"state_id", "node_name", "identifier", "inputs", "created_at"}
        assert (state["node_name"], state["identifier"]) == ("Hello", "h1")
        assert state["inputs"] == {"name": "alice"}

        path = f"{BASE}/state/{state['state_id']}"
        assert api("GET", f"{path}/secrets").body == {"secrets": {}}
        answer = api("POST", f"{path}/executed", {"outputs": [{"greeting": "hi"}]})
        assert (answer.status, answer.body) == (200, {"status": "EXECUTED"})

        graph = api("GET", f"{BASE}/states/run/{run_id}/graph").body
        (shown,) = graph["nodes"]
        assert shown == {
            "id": state["state_id"].partition(".")[0],
            "node_name": "Hello",
            "identifier": "h1",
            "status": "SUCCESS",
            "error": None,
        }
        assert graph["root_states"] == [shown]
        assert (graph["graph_name"], graph["edges"]) == ("hello", [])
        assert (graph["node_count"], graph["edge_count"]) == (1, 0)
        assert graph["execution_summary"]["SUCCESS"] == 1
        assert len(graph["execution_summary"]) == 8

        details = api("GET", f"{BASE}/graph/hello/run/{run_id}/node/{shown['id']}").body
        assert details["inputs"] == {"name": "alice"}
        assert details["outputs"] == {"greeting": "hi"}
        assert (details["parents"], details["error"], details["run_id"]) == ({}, None, run_id)

    def test_errored_prune_requeue_and_manual_retry(self, api: Api) -> None:
        errored = claim(api)["state_id"]
        answer = api("POST", f"{BASE}/state/{errored}/errored", {"error": "x"})
        assert (answer.status, answer.body) == (200, {"status": "ERRORED", "retry_created": True})
        pruned = claim(api)["state_id"]
        answer = api("POST", f"{BASE}/state/{pruned}/prune", {"data": {"a": [1]}})
        assert (answer.status, answer.body["status"]) == (200, "PRUNED")
        requeued = claim(api)["state_id"]
        answer = api("POST", f"{BASE}/state/{requeued}/re-enqueue-after", {"enqueue_after": 60_000})
        assert (answer.status, answer.body["status"]) == (200, "CREATED")
        bare = pruned.partition(".")[0]
        answer = api("POST", f"{BASE}/state/{bare}/manual-retry", {"fanout_id": "once"})
        assert (answer.status, answer.body["status"]) == (200, "CREATED")
        answer = api("POST", f"{BASE}/state/{bare}/manual-retry", {"fanout_id": "once"})
        assert (answer.status, answer.body) == (409, {"detail": "Duplicate retry state detected"})
        answer = api("POST", f"{BASE}/state/{requeued}/re-enqueue-after", {"enqueue_after": 0})
        assert answer.status == 422

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("executed", {"outputs": []}),
            ("errored", {"error": ""}),
            ("prune", {"data": {}}),
            ("re-enqueue-after", {"enqueue_after": 1}),
            ("manual-retry", {"fanout_id": ""}),
            ("secrets", None),
        ],
    )
    @pytest.mark.parametrize("state_id", ["0" * 24, "nonsense", "%00", "a.b.c"])
    def test_unknown_node_states(self, api: Api, path: str, body: Any, state_id: str) -> None:
        answer = api("GET" if body is None else "POST", f"{BASE}/state/{state_id}/{path}", body)
        assert (answer.status, answer.body) == (404, {"detail": "State not found"})

    def test_an_unknown_run_is_an_empty_picture(self, api: Api) -> None:
        body = api("GET", f"{BASE}/states/run/unknown/graph").body
        assert (body["nodes"], body["graph_name"], sum(body["execution_summary"].values())) == ([], "", 0)

    def test_wrong_node_ids(self, api: Api) -> None:
        answer = api("GET", f"{BASE}/graph/hello/run/r/node/x")
        assert (answer.status, answer.body) == (400, {"detail": "Invalid node ID format: x"})
        unknown = "0" * 24
        answer = api("GET", f"{BASE}/graph/hello/run/r/node/{unknown}")
        expected = {"detail": f"Node {unknown} not found in run r for graph hello"}
        assert (answer.status, answer.body) == (404, expected)

    def test_runs_are_listed_page_by_page_the_newest_first(self, api: Api) -> None:
        base = "/v0/namespace/paged"
        api("PUT", f"{base}/graph/g", {"secrets": {}, "nodes": [hello()]})
        ids = [api("POST", f"{base}/graph/g/trigger", {}).body["run_id"] for _ in range(3)]
        body = api("GET", f"{base}/runs/1/2").body
        assert (body["namespace"], body["total"], body["page"], body["size"]) == ("paged", 3, 1, 2)
        assert [run["run_id"] for run in body["runs"]] == [ids[2], ids[1]]
        created = body["runs"][0].pop("created_at")
        assert datetime.fromisoformat(created).tzinfo is None
        assert body["runs"][0] == {
            "run_id": ids[2],
            "graph_name": "g",
            "success_count": 0,
            "pending_count": 1,
            "errored_count": 0,
            "retried_count": 0,
            "total_count": 1,
            "status": "PENDING",
        }
        assert [run["run_id"] for run in api("GET", f"{base}/runs/2/2").body["runs"]] == [ids[0]]
        assert len(api("GET", f"{base}/runs/1/0").body["runs"]) == 3
        assert api("GET", f"{base}/runs/0/2").status == 422

    @pytest.mark.parametrize("graph_name", ["unknown", "ü ö", "a%2Fb"])
    def test_unknown_flows(self, api: Api, graph_name: str) -> None:
        path = graph_name.replace(" ", "%20").replace("ü", "%C3%BC").replace("ö", "%C3%B6")
        assert api("POST", f"{BASE}/graph/{path}/trigger", {}).status == 404


class TestExtensions:
    def test_an_empty_answer_is_held_back_until_there_is_work(self, api: Api) -> None:
        body = {"nodes": ["Hello"], "batch_size": 5, "wait": 20_000}
        while api("POST", f"{BASE}/states/enqueue", {"nodes": ["Hello"], "batch_size": 100}).body["count"]:
            pass
        answers: list[Answer] = []
        waiting = _in_thread(lambda: answers.append(api("POST", f"{BASE}/states/enqueue", body)))
        run_id = api("POST", f"{BASE}/graph/hello/trigger", {"start_delay": 300}).body["run_id"]
        waiting.join(15)
        (state,) = answers[0].body["states"]
        (shown,) = api("GET", f"{BASE}/states/run/{run_id}/graph").body["nodes"]
        assert state["state_id"].startswith(shown["id"])

    def test_leases_are_renewed_and_given_back(self, api: Api) -> None:
        state_id = claim(api)["state_id"]
        answer = api("POST", "/v1/leases/renew", {"state_ids": [state_id, "gone.x"], "lease": 1000})
        assert (answer.status, answer.body) == (200, {"held": [state_id], "lost": ["gone.x"]})
        answer = api("POST", "/v1/leases/release", {"state_ids": [state_id]})
        assert answer.body == {"held": [state_id], "lost": []}
        again = api("POST", f"{BASE}/states/enqueue", {"nodes": ["Hello"], "batch_size": 100}).body["states"]
        assert state_id.partition(".")[0] in {state["state_id"].partition(".")[0] for state in again}


def _in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread
