"""`/v1` over HTTP: statuses, pages, batches, events, and keys for some namespaces."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.manager import BASE, HELLO, NAMESPACE, V1, Api, Served, claim, hello

pytestmark = pytest.mark.usefixtures("registered")

UNKNOWN = "0" * 24


@pytest.mark.parametrize(
    ("method", "path", "body", "detail"),
    [
        ("GET", "runs/nope", None, "Run not found"),
        ("POST", "runs/nope/cancel", None, "Run not found"),
        ("POST", "runs/nope/retry-failed", {"fanout_id": "x"}, "Run not found"),
        ("GET", "runs/nope/store", None, "Run not found"),
        ("PUT", "runs/nope/store", {"values": {}}, "Run not found"),
        ("GET", "events?run_id=nope", None, "Run not found"),
        ("GET", f"state/{UNKNOWN}", None, "State not found"),
        ("GET", f"state/{UNKNOWN}/store", None, "State not found"),
        ("PUT", f"state/{UNKNOWN}/store", {"values": {}}, "State not found"),
        ("GET", "triggers/nope", None, "Trigger not found"),
        ("POST", "triggers/nope/pause", None, "Trigger not found"),
        ("DELETE", "graph/nope", None, "Graph template nope not found in namespace demo"),
    ],
)
def test_what_does_not_exist_is_404(api: Api, method: str, path: str, body: Any, detail: str) -> None:
    answer = api(method, f"{V1}/{path}", body)
    assert (answer.status, answer.body) == (404, {"detail": detail})


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "before=0", "status=NONE", "created_after=never"])
def test_pages_have_limits(api: Api, query: str) -> None:
    assert api("GET", f"{V1}/runs?{query}").status == 422


def test_the_interface_is_described_whole(served: Served) -> None:
    described = Api(served.uri, None)("GET", "/openapi.json").body
    operations = [operation for path, methods in described["paths"].items() for operation in methods.values()]
    assert all(operation.get("description") for operation in operations)
    v1 = [path for path in described["paths"] if path.startswith("/v1/")]
    assert sum(len(described["paths"][path]) for path in v1) == 22


class TestOutcomes:
    def test_each_is_answered_as_by_itself(self, api: Api) -> None:
        states = [claim(api)["state_id"] for _ in range(5)]
        outcomes = [
            {"outcome": "executed", "state_id": states[0], "outputs": [{}]},
            {"outcome": "errored", "state_id": states[1], "error": "broken"},
            {"outcome": "prune", "state_id": states[2], "data": {"why": "so"}},
            {"outcome": "re-enqueue-after", "state_id": states[3], "enqueue_after": 10**9},
            {"outcome": "executed", "state_id": UNKNOWN, "outputs": []},
            {"outcome": "executed", "state_id": f"{states[4]}0", "outputs": []},
        ]
        results = api("POST", f"{V1}/outcomes", {"outcomes": outcomes}).body["results"]
        assert [result["state_id"] for result in results] == [item["state_id"] for item in outcomes]
        assert [result["status_code"] for result in results] == [200, 200, 200, 200, 404, 400]
        assert [result["body"] for result in results][::4] == [
            {"status": "EXECUTED"},
            {"detail": "State not found"},
        ]
        repeated = api("POST", f"{BASE}/state/{states[0]}/executed", {"outputs": [{}]})
        assert (repeated.status, repeated.body) == (200, {"status": "EXECUTED"})

    def test_the_same_node_state_twice_counts_once_and_contradictions_are_refused(self, api: Api) -> None:
        state = claim(api)["state_id"]
        executed = {"outcome": "executed", "state_id": state, "outputs": [{}]}
        errored = {"outcome": "errored", "state_id": state, "error": "late"}
        results = api("POST", f"{V1}/outcomes", {"outcomes": [executed, errored, executed]}).body["results"]
        assert [(result["status_code"], result["body"]) for result in results] == [
            (200, {"status": "EXECUTED"}),
            (400, {"detail": "State is already executed"}),
            (200, {"status": "EXECUTED"}),
        ]
        assert api("GET", f"{V1}/state/{state}").body["status"] == "SUCCESS"

    def test_branches_of_a_join_in_one_batch_are_joined_once(self, api: Api) -> None:
        nodes = [hello("root", next_nodes=["work"]), hello("work", next_nodes=["join"])]
        join = hello("join", unites={"identifier": "root"})
        body = {"secrets": {}, "nodes": [*nodes, join]}
        assert api("PUT", f"{BASE}/graph/joined", body).body["validation_status"] == "VALID"
        run_id = api("POST", f"{BASE}/graph/joined/trigger", {}).body["run_id"]
        wanted = {"nodes": ["Hello"], "batch_size": 100}
        for _ in range(3):
            states = api("POST", f"{BASE}/states/enqueue", wanted).body["states"]
            outcomes = [
                {"outcome": "executed", "state_id": state["state_id"], "outputs": [{}, {}, {}]}
                for state in states
            ]
            results = api("POST", f"{V1}/outcomes", {"outcomes": outcomes}).body["results"]
            assert {result["status_code"] for result in results} == {200}
        run = api("GET", f"{V1}/runs/{run_id}").body
        assert (run["status"], run["counts"]) == ("SUCCESS", {"SUCCESS": 3 + 9 + 3})

    def test_there_is_a_limit(self, api: Api) -> None:
        outcomes = [{"outcome": "errored", "state_id": UNKNOWN, "error": ""}] * 1001
        assert api("POST", f"{V1}/outcomes", {"outcomes": outcomes}).status == 422


class TestTriggers:
    def test_they_are_listed_paused_and_go_on(self, api: Api) -> None:
        cron = {"type": "CRON", "value": {"expression": "0 0 1 1 *", "timezone": "Europe/Berlin"}}
        body = {"secrets": {}, "nodes": [hello()], "triggers": [cron]}
        assert api("PUT", f"{BASE}/graph/timed", body).status == 201
        (shown,) = api("GET", f"{V1}/triggers?graph_name=timed").body["triggers"]
        assert (shown["trigger"], shown["paused"]) == (cron["value"], False)
        paused = api("POST", f"{V1}/triggers/{shown['id']}/pause").body
        assert (paused["paused"], paused["ticks"]) == (True, [])
        resumed = api("POST", f"{V1}/triggers/{shown['id']}/resume").body
        assert (resumed["paused"], resumed["next_at"]) == (False, shown["next_at"])
        assert api("GET", f"{V1}/triggers?graph_name=hello").body == {"triggers": []}

    def test_a_trigger_starts_runs_by_itself(self, api: Api) -> None:
        cron = {"type": "CRON", "value": {"expression": "* * * * * *"}}
        body = {"secrets": {}, "nodes": [hello()], "triggers": [cron]}
        api("PUT", f"{BASE}/graph/often", body)
        wanted = {"nodes": ["Hello"], "batch_size": 1, "wait": 15_000}
        (state,) = api("POST", f"{BASE}/states/enqueue", wanted).body["states"]
        info = api("GET", f"{V1}/state/{state['state_id']}").body
        api("DELETE", f"{V1}/graph/often")
        run = api("GET", f"{V1}/runs/{info['run_id']}").body
        assert (run["graph_name"], bool(run["trigger_id"])) == ("often", True)


@contextmanager
def watching(served: Served, query: str = "", **headers: str) -> Iterator[Iterator[tuple[str, Any]]]:
    """Name and data of the events as they arrive."""
    parts = urlsplit(served.uri)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", f"{V1}/events{query}", headers={"x-api-key": served.key, **sent})
    response = connection.getresponse()
    assert (response.status, response.getheader("content-type")) == (
        200,
        "text/event-stream; charset=utf-8",
    )
    assert response.readline() == b": watching\n"

    def events() -> Iterator[tuple[str, Any]]:
        name = ""
        for line in response:
            word, _, value = line.decode().strip().partition(": ")
            name = value if word == "event" else name
            if word == "data":
                yield name, json.loads(value)

    try:
        yield events()
    finally:
        connection.close()


class TestEvents:
    def test_a_run_is_told_from_its_beginning_to_its_end(self, api: Api, served: Served) -> None:
        state = claim(api)  # it may be a retry of what another test let fail
        state_id = state["state_id"].partition(".")[0]
        run_id = api("GET", f"{V1}/state/{state_id}").body["run_id"]
        with watching(served, f"?run_id={run_id}") as events:
            told = [next(events), next(events)]
            api("POST", f"{BASE}/state/{state['state_id']}/executed", {"outputs": []})
            told += list(events)
        told = [(name, data) for name, data in told if data.get("id") in {None, state_id}]
        assert [(name, data["status"]) for name, data in told] == [
            ("state", "QUEUED"),
            ("run", "PENDING"),
            ("state", "SUCCESS"),
            ("run", "SUCCESS"),
        ]
        assert told[0][1]["identifier"] == "h1"

    def test_who_comes_back_is_not_told_everything_again(self, api: Api, served: Served) -> None:
        state = claim(api)
        api("POST", f"{BASE}/state/{state['state_id']}/executed", {"outputs": []})
        run_id = api("GET", f"{V1}/state/{state['state_id']}").body["run_id"]
        with watching(served, f"?run_id={run_id}", last_event_id=str(10**14)) as events:
            assert [name for name, _ in events] == ["run"]

    def test_all_runs_of_a_namespace(self, api: Api, served: Served) -> None:
        with watching(served) as events:
            state = claim(api)
            run_id = api("GET", f"{V1}/state/{state['state_id']}").body["run_id"]
            assert next(data["status"] for _, data in events if data["run_id"] == run_id) == "PENDING"
            api("POST", f"{BASE}/state/{state['state_id']}/prune", {"data": {}})
            assert next(data["status"] for _, data in events if data["run_id"] == run_id) == "SUCCESS"


class TestKeys:
    @pytest.fixture
    def made(self, api: Api) -> dict[str, Any]:
        answer = api("POST", "/v1/keys", {"name": "team", "namespaces": ["team", "shared", "team"]})
        assert answer.status == 201
        made: dict[str, Any] = answer.body
        return made

    def test_a_key_opens_its_namespaces_and_no_other(self, served: Served, made: dict[str, Any]) -> None:
        team = Api(served.uri, made["key"])
        nodes = {"runtime_name": "rt", "nodes": [HELLO]}
        for namespace in ("team", "shared"):
            assert team("PUT", f"/v0/namespace/{namespace}/nodes/", nodes).status == 200
        paths = [f"{BASE}/nodes/", f"{V1}/runs", f"{BASE}/graphs/", f"{V1}/events"]
        for path in paths:
            answer = team("GET", path)
            assert (answer.status, answer.body) == (
                403,
                {"detail": f"This API key is not for namespace {NAMESPACE}"},
            )
        assert team("GET", "/v0/namespaces").body == {"namespaces": ["shared", "team"], "count": 2}

    def test_a_flow_does_not_reach_into_other_namespaces(self, served: Served, made: dict[str, Any]) -> None:
        team = Api(served.uri, made["key"])
        body = {"secrets": {}, "nodes": [hello()]}  # the node stands in the namespace demo
        assert team("PUT", "/v0/namespace/team/graph/reaching", body).status == 403
        assert team("GET", "/v0/namespace/team/graph/reaching").status == 404

    def test_node_states_of_others_are_not_there(
        self, api: Api, served: Served, made: dict[str, Any]
    ) -> None:
        team = Api(served.uri, made["key"])
        state = claim(api)["state_id"]
        for path in (f"/v0/namespace/team/state/{state}/secrets", f"/v1/namespace/team/state/{state}"):
            assert team("GET", path).status == 404
        answer = team("POST", f"/v0/namespace/team/state/{state}/executed", {"outputs": []})
        assert (answer.status, answer.body) == (404, {"detail": "State not found"})

    def test_claims_of_others_are_neither_prolonged_nor_given_back(
        self, api: Api, served: Served, made: dict[str, Any]
    ) -> None:
        """Even where their tokens became known."""
        other, body = claim(api)["state_id"], {"name": "own", "namespaces": [NAMESPACE]}
        team = Api(served.uri, made["key"])
        for action in ("renew", "release"):
            answer = team("POST", f"/v1/leases/{action}", {"state_ids": [other, "gone"]})
            assert (answer.status, answer.body) == (200, {"held": [], "lost": [other, "gone"]})
        assert api("GET", f"{V1}/state/{other}").body["status"] == "QUEUED"
        own = Api(served.uri, api("POST", "/v1/keys", body).body["key"])
        for action in ("renew", "release"):
            assert own("POST", f"/v1/leases/{action}", {"state_ids": [other]}).body["held"] == [other]

    def test_keys_are_for_the_one_key_for_everything_to_make(
        self, api: Api, served: Served, made: dict[str, Any]
    ) -> None:
        team = Api(served.uri, made["key"])
        for method, path in (("GET", "/v1/keys"), ("POST", "/v1/keys"), ("DELETE", f"/v1/keys/{made['id']}")):
            assert team(method, path, {} if method == "POST" else None).status == 403
        listed = api("GET", "/v1/keys").body["keys"]
        shown = next(key for key in listed if key["id"] == made["id"])
        assert shown == {name: value for name, value in made.items() if name != "key"}
        assert made["namespaces"] == ["shared", "team"]

    def test_a_revoked_key_opens_nothing(self, api: Api, served: Served, made: dict[str, Any]) -> None:
        team = Api(served.uri, made["key"])
        assert team("GET", "/v0/namespace/team/nodes/").status == 200
        assert api("DELETE", f"/v1/keys/{made['id']}").status == 200
        assert team("GET", "/v0/namespace/team/nodes/").status == 401
        assert api("DELETE", f"/v1/keys/{made['id']}").status == 404

    @pytest.mark.parametrize("key", ["gup_", "gup_unknown", "GUP_x", "gup_\xff"])
    def test_an_unknown_key_is_refused(self, served: Served, key: str) -> None:
        assert Api(served.uri, key)("GET", f"{BASE}/nodes/").status == 401


def test_a_node_writes_the_store_over_http(api: Api) -> None:
    state = claim(api)["state_id"]
    answer = api("PUT", f"{V1}/state/{state}/store", {"values": {"k": "v"}})
    assert (answer.status, answer.body) == (200, {"values": {"k": "v"}})
    assert api("PUT", f"{V1}/state/{state}/store", {"values": {"a.b": "v"}}).status == 422


def test_a_run_is_cancelled_while_its_worker_waits(api: Api) -> None:
    state = claim(api)["state_id"]
    run_id = api("GET", f"{V1}/state/{state}").body["run_id"]
    answer = api("POST", f"{V1}/runs/{run_id}/cancel")
    assert (answer.status, answer.body) == (200, {"run_id": run_id, "cancelled": 1})
    lost = api("POST", "/v1/leases/renew", {"state_ids": [state]}).body["lost"]
    assert lost == [state]
    retried = api("POST", f"{V1}/runs/{run_id}/retry-failed", {"fanout_id": str(uuid.uuid4())})
    assert len(retried.body["created"]) == 1
