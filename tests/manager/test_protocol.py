"""The table of endpoints of the protocol, row by row: who may ask, what a request holds, wrong ids."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.manager import BASE, HELLO, Api, Served, claim, hello

pytestmark = pytest.mark.usefixtures("registered")

UNKNOWN = "0" * 24
WRONG_IDS = [UNKNOWN, "nonsense", "%00", "a.b", f"{UNKNOWN}.", "é".encode().hex(), "..%2f..", "9" * 300]


@dataclass(frozen=True)
class Endpoint:
    """A row of the table; ``body`` is one that is accepted, None where there is none."""

    method: str
    path: str
    body: Any = None

    def asked(self, api: Api, body: Any = ..., **names: str) -> Any:
        """Ask it, by default about the flow hello."""
        known = {"graph": "hello", "state": UNKNOWN, "run": "r", "node": UNKNOWN, "base": BASE} | names
        return api(self.method, self.path.format(**known), self.body if body is ... else body)


FLOW = {"secrets": {}, "nodes": [hello()]}
TABLE = [
    Endpoint("GET", "/health"),
    Endpoint("GET", "/v0/namespaces"),
    Endpoint("PUT", "{base}/nodes/", {"runtime_name": "rt", "nodes": [HELLO]}),
    Endpoint("GET", "{base}/nodes/"),
    Endpoint("PUT", "{base}/graph/{graph}", FLOW),
    Endpoint("GET", "{base}/graph/{graph}"),
    Endpoint("GET", "{base}/graphs/"),
    Endpoint("POST", "{base}/graph/{graph}/trigger", {}),
    Endpoint("POST", "{base}/states/enqueue", {"nodes": ["None"], "batch_size": 1}),
    Endpoint("POST", "{base}/state/{state}/executed", {"outputs": []}),
    Endpoint("POST", "{base}/state/{state}/errored", {"error": "x"}),
    Endpoint("POST", "{base}/state/{state}/prune", {"data": {}}),
    Endpoint("POST", "{base}/state/{state}/re-enqueue-after", {"enqueue_after": 1}),
    Endpoint("POST", "{base}/state/{state}/manual-retry", {"fanout_id": "x"}),
    Endpoint("GET", "{base}/state/{state}/secrets"),
    Endpoint("GET", "{base}/runs/1/10"),
    Endpoint("GET", "{base}/states/run/{run}/graph"),
    Endpoint("GET", "{base}/graph/{graph}/run/{run}/node/{node}"),
]
KEYED = [pytest.param(each, id=f"{each.method} {each.path}") for each in TABLE if each.path != "/health"]
NAMED = [param for param in KEYED if "{base}" in param.values[0].path]  # type: ignore[union-attr]
WITH_BODY = [param for param in KEYED if param.values[0].body is not None]  # type: ignore[union-attr]
OF_STATES = [param for param in KEYED if "{state}" in param.values[0].path]  # type: ignore[union-attr]


def test_the_table_is_whole(served: Served) -> None:
    described = Api(served.uri, None)("GET", "/openapi.json").body["paths"]
    offered = {
        (method.upper(), path)
        for path, methods in described.items()
        for method in methods
        if path.startswith("/v0/") or path == "/health"
    }
    names = {
        "base": "/v0/namespace/{namespace_name}",
        "graph": "{graph_name}",
        "state": "{state_id}",
        "run": "{run_id}",
        "node": "{node_id}",
    }
    asked = {
        (each.method, each.path.format(**names).replace("runs/1/10", "runs/{page}/{size}")) for each in TABLE
    }
    assert (offered, len(offered)) == (asked, 18)


@pytest.mark.parametrize("endpoint", KEYED)
def test_nobody_asks_without_the_key(served: Served, endpoint: Endpoint) -> None:
    given = str(uuid.uuid4())
    for key in (None, "", "wrong", served.key + " x", served.key[:-1]):
        answer = endpoint.asked(Api(served.uri, key), endpoint.body and b"{not json")
        assert (answer.status, answer.body) == (401, {"detail": "Invalid API key"})
        assert answer.headers["content-type"] == "application/json"
    answer = Api(served.uri, None)("GET", "/v0/namespaces", x_exosphere_request_id=given)
    assert answer.headers["x-exosphere-request-id"] == given


@pytest.mark.parametrize("endpoint", NAMED)
def test_a_key_for_other_namespaces_opens_nothing(api: Api, served: Served, endpoint: Endpoint) -> None:
    made = api("POST", "/v1/keys", {"name": "other", "namespaces": ["other"]}).body
    answer = endpoint.asked(Api(served.uri, made["key"]))
    assert (answer.status, answer.body) == (403, {"detail": "This API key is not for namespace demo"})


@pytest.mark.parametrize("endpoint", WITH_BODY)
def test_a_body_must_be_what_it_should_be(api: Api, endpoint: Endpoint) -> None:
    absent = endpoint.asked(api, None)
    assert absent.status == 422
    assert [detail["type"] for detail in absent.body["detail"]] == ["missing"]
    assert absent.body["detail"][0]["loc"] == ["body"]
    for body in (b"{", b"[]", b"null", b'"text"', b"1"):
        answer = endpoint.asked(api, body)
        assert answer.status == 422, body
        assert {"type", "loc", "msg", "input"} <= set(answer.body["detail"][0])
        assert "url" not in answer.body["detail"][0]
    required = set(endpoint.body)
    for name in required:
        answer = endpoint.asked(api, {key: value for key, value in endpoint.body.items() if key != name})
        assert [detail["loc"] for detail in answer.body["detail"]] == [["body", name]]


@pytest.mark.parametrize("state", WRONG_IDS)
@pytest.mark.parametrize("endpoint", OF_STATES)
def test_an_id_that_is_none_is_not_found(api: Api, endpoint: Endpoint, state: str) -> None:
    answer = endpoint.asked(api, state=state)
    assert answer.status == 404
    assert answer.body in ({"detail": "State not found"}, {"detail": "Not Found"})


@pytest.mark.parametrize("endpoint", OF_STATES)
def test_a_node_state_is_found_in_its_namespace_alone(api: Api, endpoint: Endpoint) -> None:
    state = claim(api)["state_id"]
    answer = endpoint.asked(api, base="/v0/namespace/elsewhere", state=state)
    assert (answer.status, answer.body) == (404, {"detail": "State not found"})
    shown = api("GET", f"/v1{BASE.removeprefix('/v0')}/state/{state}").body
    assert (shown["status"], shown["claims"]) == ("QUEUED", 1)


@pytest.mark.parametrize("name", ["unknown", "%00", "a%2Fb", "%F0%9F%98%80", "x" * 300, "%27%3B--"])
def test_a_flow_that_is_none_is_not_found(api: Api, name: str) -> None:
    read = api("GET", f"{BASE}/graph/{name}")
    started = api("POST", f"{BASE}/graph/{name}/trigger", {})
    shown = api("GET", f"{BASE}/graph/{name}/run/r/node/{UNKNOWN}")
    assert (read.status, started.status, shown.status) == (404, 404, 404)
    assert read.body["detail"] == "Not Found" or read.body["detail"].startswith("Graph template ")


def test_a_node_state_that_is_not_executed_is_refused_by_its_status(api: Api) -> None:
    """The messages that clients look for, with a bare id as they were given one before."""
    run_id = api("POST", f"{BASE}/graph/hello/trigger", {"start_delay": 3_600_000}).body["run_id"]
    (waiting,) = api("GET", f"{BASE}/states/run/{run_id}/graph").body["nodes"]
    done = claim(api)["state_id"]
    assert api("POST", f"{BASE}/state/{done}/executed", {"outputs": []}).status == 200
    ended = done.partition(".")[0]
    told = {
        (state, action): api("POST", f"{BASE}/state/{state}/{action}", body)
        for state in (waiting["id"], ended)
        for action, body in (
            ("executed", {"outputs": []}),
            ("errored", {"error": "x"}),
            ("prune", {"data": {}}),
        )
    }
    assert {answer.status for answer in told.values()} == {400}
    messages = {key: answer.body["detail"] for key, answer in told.items()}
    for state in (waiting["id"], ended):
        assert messages[state, "executed"] == messages[state, "prune"] == "State is not queued"
    assert messages[waiting["id"], "errored"] == "State is not queued or executed"
    assert messages[ended, "errored"] == "State is already executed"
    retried = api("POST", f"{BASE}/state/{waiting['id']}/manual-retry", {"fanout_id": "x"})
    assert retried.status == 409


def test_what_a_trigger_is_refused_for(api: Api) -> None:
    store = {"required_keys": ["k"]}
    reading = [hello(inputs={"name": "${{ store.k }}"})]
    api("PUT", f"{BASE}/graph/needs", {"secrets": {}, "nodes": [hello()], "store_config": store})
    api("PUT", f"{BASE}/graph/reads", {"secrets": {}, "nodes": reading, "store_config": store})
    told = {name: api("POST", f"{BASE}/graph/{name}/trigger", {}) for name in ("needs", "reads", "none")}
    assert (told["needs"].status, told["needs"].body) == (400, {"detail": "Missing store keys: {'k'}"})
    assert told["reads"].body == {
        "detail": "Invalid input: 400: Dependent k not found in store for root node h1"
    }
    assert (told["none"].status, told["none"].body) == (
        404,
        {"detail": "Graph template not found for namespace demo and graph none"},
    )
    node = {"inputs": {"name": "${{ other.outputs.x }}"}}
    answer = api("POST", f"{BASE}/graph/hello/trigger", node)
    assert (answer.status, answer.body) == (
        400,
        {"detail": "Invalid input: 400: Root node can have only store identifier as dependent but got other"},
    )


def test_a_poll_and_a_page_have_limits(api: Api) -> None:
    """However much is asked for: 1,000 node states of one poll, 10,000 runs of one page."""
    base = "/v0/namespace/limits"
    api("PUT", f"{base}/nodes/", {"runtime_name": "rt", "nodes": [{**HELLO, "name": "Many"}]})
    nodes = [
        {**hello("a", next_nodes=["b"]), "node_name": "Many", "namespace": "limits"},
        {**hello("b"), "node_name": "Many", "namespace": "limits"},
    ]
    assert (
        api("PUT", f"{base}/graph/many", {"secrets": {}, "nodes": nodes}).body["validation_status"] == "VALID"
    )
    api("POST", f"{base}/graph/many/trigger", {})
    asking = {"nodes": ["Many"], "batch_size": 10**6}
    (first,) = api("POST", f"{base}/states/enqueue", asking).body["states"]
    spread: dict[str, list[object]] = {"outputs": [{}] * 1001}
    assert api("POST", f"{base}/state/{first['state_id']}/executed", spread).status == 200
    assert [api("POST", f"{base}/states/enqueue", asking).body["count"] for _ in range(3)] == [1000, 1, 0]
    for size in (0, 2**31 - 1):
        assert api("GET", f"{base}/runs/1/{size}").body["total"] == 1
    assert api("GET", f"{base}/runs/1/{2**31}").status == 422
    for batch in (0, -1):
        assert api("POST", f"{base}/states/enqueue", {**asking, "batch_size": batch}).body["count"] == 0
