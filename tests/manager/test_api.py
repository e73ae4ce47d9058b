"""The protocol over HTTP: statuses, bodies, headers and messages to the letter."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from groundup.manager import EmbeddedManager
from tests.support.manager import Answer, Api, text_schema

NS = "/v0/namespace/demo"
POLICY = {
    "max_retries": 3,
    "strategy": "EXPONENTIAL",
    "backoff_factor": 2000,
    "exponent": 2,
    "max_delay": None,
}
HELLO = {
    "name": "Hello",
    "inputs_schema": text_schema("name"),
    "outputs_schema": text_schema("greeting"),
    "secrets": [],
}


def node(identifier: str = "h1", **more: Any) -> dict[str, Any]:
    return {
        "node_name": "Hello",
        "namespace": "demo",
        "identifier": identifier,
        "inputs": {"name": "bob"},
        **more,
    }


@pytest.fixture(scope="module", autouse=True)
def registered(served: EmbeddedManager) -> None:
    """A node and a valid flow of one step in the namespace demo."""
    api = Api(served.uri, served.key)
    assert api("PUT", f"{NS}/nodes/", {"runtime_name": "rt", "nodes": [HELLO]}).status == 200
    answer = api("PUT", f"{NS}/graph/hello", {"secrets": {}, "nodes": [node()]})
    assert answer.body["validation_status"] == "VALID"


def claim(api: Api) -> dict[str, Any]:
    """Start a run and claim its node state."""
    api("POST", f"{NS}/graph/hello/trigger", {})
    answer = api("POST", f"{NS}/states/enqueue", {"nodes": ["Hello"], "batch_size": 1})
    state: dict[str, Any] = answer.body["states"][0]
    return state


class TestConventions:
    def test_health_needs_no_key(self, served: EmbeddedManager) -> None:
        answer = Api(served.uri, None)("GET", "/health")
        assert (answer.status, answer.body) == (200, {"message": "OK"})

    @pytest.mark.parametrize("key", [None, "", "wrong", "ü"])
    @pytest.mark.parametrize("body", [None, {"bad": 1}, b"{not json"])
    def test_a_wrong_key_is_refused_before_the_body_is_looked_at(
        self, served: EmbeddedManager, key: str | None, body: Any
    ) -> None:
        answer = Api(served.uri, key)("PUT", f"{NS}/nodes/", body)
        assert (answer.status, answer.body) == (401, {"detail": "Invalid API key"})

    def test_the_request_id_is_echoed_or_made(self, api: Api, served: EmbeddedManager) -> None:
        given = str(uuid.uuid4())
        answers = [
            api("GET", "/health", x_exosphere_request_id=given),
            api("GET", "/nowhere", x_exosphere_request_id=given),
            Api(served.uri, None)("GET", f"{NS}/nodes/", x_exosphere_request_id=given),
            api("PUT", f"{NS}/nodes/", {}, x_exosphere_request_id=given),
            api("GET", f"{NS}/nodes", x_exosphere_request_id=given),
        ]
        assert [answer.status for answer in answers] == [200, 404, 401, 422, 307]
        assert {answer.headers["x-exosphere-request-id"] for answer in answers} == {given}
        made = api("GET", "/health", x_exosphere_request_id="nonsense").headers["x-exosphere-request-id"]
        assert uuid.UUID(made).version == 4

    def test_the_manager_announces_itself_on_every_answer(self, api: Api) -> None:
        assert all("x-groundup-manager" in api("GET", path).headers for path in ("/health", "/nowhere"))

    def test_unknown_paths_and_methods(self, api: Api) -> None:
        assert (api("GET", "/nowhere").status, api("GET", "/nowhere").body) == (404, {"detail": "Not Found"})
        answer = api("DELETE", f"{NS}/nodes/")
        assert (answer.status, answer.body) == (405, {"detail": "Method Not Allowed"})
        assert "allow" in answer.headers

    def test_a_missing_slash_is_redirected(self, api: Api, served: EmbeddedManager) -> None:
        answer = api("GET", f"{NS}/graphs")
        assert (answer.status, answer.headers["location"]) == (307, f"{served.uri}{NS}/graphs/")

    def test_validation_errors(self, api: Api) -> None:
        answer = api("POST", f"{NS}/graph/hello/trigger", {"start_delay": -1})
        assert answer.status == 422
        assert answer.body["detail"] == [
            {
                "type": "greater_than_equal",
                "loc": ["body", "start_delay"],
                "msg": "Input should be greater than or equal to 0",
                "input": -1,
                "ctx": {"ge": 0},
            }
        ]

    def test_value_errors_carry_an_empty_context(self, api: Api) -> None:
        body = {"secrets": {}, "nodes": [node(identifier="store")]}
        (detail,) = api("PUT", f"{NS}/graph/x", body).body["detail"]
        assert detail["msg"] == "Value error, Node identifier cannot be reserved word 'store'"
        assert (detail["type"], detail["ctx"]) == ("value_error", {"error": {}})

    def test_a_missing_body(self, api: Api) -> None:
        (detail,) = api("POST", f"{NS}/graph/hello/trigger").body["detail"]
        assert (detail["type"], detail["loc"], detail["input"]) == ("missing", ["body"], None)

    @pytest.mark.parametrize(
        "body", [b"{x", b'{"outputs": [{"a": NaN}]}', b'{"outputs": [{"a": "\\ud800"}]}']
    )
    def test_what_is_no_json_is_refused(self, api: Api, body: bytes) -> None:
        answer = api("POST", f"{NS}/state/{'0' * 24}/executed", body)
        assert answer.status == 422
        assert answer.body["detail"][0]["type"] == "json_invalid"
        assert answer.body["detail"][0]["msg"] == "JSON decode error"

    def test_a_body_without_end_is_cut_off(self, api: Api) -> None:
        body = b'{"error": "' + b"x" * (33 * 1024 * 1024) + b'"}'
        assert api("POST", f"{NS}/state/{'0' * 24}/errored", body).status == 413

    def test_numbers_in_text_are_taken_for_numbers_but_not_the_other_way_round(self, api: Api) -> None:
        enqueue = f"{NS}/states/enqueue"
        assert api("POST", enqueue, {"nodes": ["None"], "batch_size": "2", "extra": 1}).status == 200
        assert api("POST", enqueue, {"nodes": [1], "batch_size": 2}).status == 422


class TestNodes:
    def test_registration_answers_what_was_registered(self, api: Api) -> None:
        sent = {**HELLO, "namespace": "reg"}
        body = {"runtime_name": "rt", "runtime_namespace": "reg", "nodes": [sent]}
        answer = api("PUT", "/v0/namespace/reg/nodes/", body)
        assert (answer.status, answer.body) == (200, {"runtime_name": "rt", "registered_nodes": [HELLO]})

    def test_nodes_are_listed_in_the_order_of_their_first_registration(self, api: Api) -> None:
        def register(runtime: str, *names: str) -> None:
            nodes = [{**HELLO, "name": name} for name in names]
            api("PUT", "/v0/namespace/list/nodes/", {"runtime_name": runtime, "nodes": nodes})

        register("one", "B", "A")
        register("two", "B")
        body = api("GET", "/v0/namespace/list/nodes/").body
        assert (body["namespace"], body["count"]) == ("list", 2)
        assert [(item["name"], item["runtime_name"]) for item in body["nodes"]] == [
            ("B", "two"),
            ("A", "one"),
        ]
        assert set(body["nodes"][0]) == {
            "_id",
            "created_at",
            "updated_at",
            "name",
            "namespace",
            "runtime_name",
            "runtime_namespace",
            "inputs_schema",
            "outputs_schema",
            "secrets",
        }
        assert "list" in api("GET", "/v0/namespaces").body["namespaces"]

    def test_an_unknown_namespace_has_no_nodes(self, api: Api) -> None:
        body = api("GET", "/v0/namespace/unknown/nodes/").body
        assert body == {"namespace": "unknown", "count": 0, "nodes": []}
        assert "unknown" not in api("GET", "/v0/namespaces").body["namespaces"]


class TestFlows:
    def test_saving_answers_the_flow_and_whether_it_is_valid(self, api: Api) -> None:
        body = {"secrets": {"s": "x"}, "nodes": [node(next_nodes=None)]}
        answer = api("PUT", f"{NS}/graph/saved", body)
        assert answer.status == 201
        times = [datetime.fromisoformat(answer.body.pop(name)) for name in ("created_at", "updated_at")]
        assert all(time.tzinfo is None for time in times)
        assert answer.body == {
            "nodes": [{**node(), "next_nodes": [], "unites": None}],
            "secrets": {"s": True},
            "retry_policy": POLICY,
            "store_config": {"required_keys": [], "default_values": {}},
            "triggers": [],
            "validation_status": "VALID",
            "validation_errors": [],
        }

    def test_reading_gives_the_true_policy_and_store(self, api: Api) -> None:
        policy = {**POLICY, "max_retries": 7, "strategy": "FIXED_FULL_JITTER", "max_delay": 9}
        store = {"required_keys": ["k"], "default_values": {"d": "v"}}
        body = {"secrets": {}, "nodes": [node()], "retry_policy": policy, "store_config": store}
        api("PUT", f"{NS}/graph/true", body)
        read = api("GET", f"{NS}/graph/true").body
        assert (read["retry_policy"], read["store_config"]) == (policy, store)

    def test_a_flow_that_does_not_fit_the_nodes_is_saved_as_invalid(self, api: Api) -> None:
        answer = api("PUT", f"{NS}/graph/invalid", {"secrets": {}, "nodes": [node(inputs={})]})
        assert (answer.status, answer.body["validation_status"]) == (201, "INVALID")
        assert answer.body["validation_errors"] == [
            "Input name in node Hello in namespace demo is not present in the graph template"
        ]
        answer = api("POST", f"{NS}/graph/invalid/trigger", {})
        assert (answer.status, answer.body) == (400, {"detail": "Graph template is not valid"})

    def test_a_malformed_flow_is_refused(self, api: Api) -> None:
        answer = api("PUT", f"{NS}/graph/bad", {"secrets": {}, "nodes": [node(next_nodes=["x"])]})
        assert answer.status == 400
        assert answer.body["detail"].startswith(
            "Error validating graph template: 1 validation error for GraphTemplate\n"
            "  Value error, Node identifier x does not exist in the graph [type=value_error, input_value="
        )
        answer = api("GET", f"{NS}/graph/bad")
        assert (answer.status, answer.body) == (
            404,
            {"detail": "Graph template bad not found in namespace demo"},
        )

    def test_triggers_are_refused_clearly(self, api: Api) -> None:
        cron = {"type": "CRON", "value": {"expression": "* * * * *"}}
        answer = api("PUT", f"{NS}/graph/cron", {"secrets": {}, "nodes": [node()], "triggers": [cron]})
        assert answer.status == 400
        assert "not supported" in answer.body["detail"]

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("node_name", " ", "Node name cannot be empty"),
            ("identifier", " ", "Node identifier cannot be empty"),
            ("next_nodes", [" "], "Next node identifier cannot be empty"),
            ("next_nodes", ["a", " a "], "Next node identifier a is not unique"),
            ("unites", {"identifier": " "}, "Unites identifier cannot be empty"),
        ],
    )
    def test_fields_of_nodes_are_checked(self, api: Api, field: str, value: Any, message: str) -> None:
        body = {"secrets": {}, "nodes": [{**node(), field: value}]}
        answer = api("PUT", f"{NS}/graph/fields", body)
        assert (answer.status, answer.body["detail"][0]["msg"]) == (422, f"Value error, {message}")

    @pytest.mark.parametrize(
        ("store", "message"),
        [
            ({"required_keys": [" "]}, "Key cannot be empty or contain only whitespace"),
            (
                {"required_keys": ["a.b", "c", "c "]},
                "Key 'a.b' cannot contain '.' character\nKey 'c' is duplicated",
            ),
            ({"default_values": {"a.b": ""}}, "Key 'a.b' cannot contain '.' character"),
        ],
    )
    def test_store_keys_are_checked(self, api: Api, store: dict[str, Any], message: str) -> None:
        body = {"secrets": {}, "nodes": [node()], "store_config": store}
        answer = api("PUT", f"{NS}/graph/fields", body)
        assert (answer.status, answer.body["detail"][0]["msg"]) == (422, f"Value error, {message}")

    def test_the_list_shows_no_secret_not_even_encrypted(self, api: Api) -> None:
        api("PUT", "/v0/namespace/listed/graph/one", {"secrets": {"s": "topsecret"}, "nodes": [node()]})
        body = api("GET", "/v0/namespace/listed/graphs/").body
        (template,) = body["templates"]
        assert (body["count"], template["name"], template["namespace"]) == (1, "one", "listed")
        assert template["secrets"] == {"s": "********"}
        assert template["validation_status"] == "VALID"  # the node stands in the namespace demo


class TestRuns:
    def test_a_run_from_trigger_to_its_details(self, api: Api) -> None:
        answer = api("POST", f"{NS}/graph/hello/trigger", {"inputs": {"name": "alice"}})
        run_id = answer.body["run_id"]
        assert (answer.status, answer.body) == (200, {"status": "CREATED", "run_id": run_id})
        assert uuid.UUID(run_id).version == 4

        answer = api("POST", f"{NS}/states/enqueue", {"nodes": ["Hello"], "batch_size": 1})
        (state,) = answer.body.pop("states")
        assert answer.body == {"count": 1, "namespace": "demo", "status": "QUEUED"}
        assert set(state) == {"state_id", "node_name", "identifier", "inputs", "created_at"}
        assert (state["node_name"], state["identifier"]) == ("Hello", "h1")
        assert state["inputs"] == {"name": "alice"}

        path = f"{NS}/state/{state['state_id']}"
        assert api("GET", f"{path}/secrets").body == {"secrets": {}}
        answer = api("POST", f"{path}/executed", {"outputs": [{"greeting": "hi"}]})
        assert (answer.status, answer.body) == (200, {"status": "EXECUTED"})

        graph = api("GET", f"{NS}/states/run/{run_id}/graph").body
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

        details = api("GET", f"{NS}/graph/hello/run/{run_id}/node/{shown['id']}").body
        assert details["inputs"] == {"name": "alice"}
        assert details["outputs"] == {"greeting": "hi"}
        assert (details["parents"], details["error"], details["run_id"]) == ({}, None, run_id)

    def test_errored_prune_requeue_and_manual_retry(self, api: Api) -> None:
        errored = claim(api)["state_id"]
        answer = api("POST", f"{NS}/state/{errored}/errored", {"error": "x"})
        assert (answer.status, answer.body) == (200, {"status": "ERRORED", "retry_created": True})
        pruned = claim(api)["state_id"]
        answer = api("POST", f"{NS}/state/{pruned}/prune", {"data": {"a": [1]}})
        assert (answer.status, answer.body["status"]) == (200, "PRUNED")
        requeued = claim(api)["state_id"]
        answer = api("POST", f"{NS}/state/{requeued}/re-enqueue-after", {"enqueue_after": 60_000})
        assert (answer.status, answer.body["status"]) == (200, "CREATED")
        bare = pruned.partition(".")[0]
        answer = api("POST", f"{NS}/state/{bare}/manual-retry", {"fanout_id": "once"})
        assert (answer.status, answer.body["status"]) == (200, "CREATED")
        answer = api("POST", f"{NS}/state/{bare}/manual-retry", {"fanout_id": "once"})
        assert (answer.status, answer.body) == (409, {"detail": "Duplicate retry state detected"})
        answer = api("POST", f"{NS}/state/{requeued}/re-enqueue-after", {"enqueue_after": 0})
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
        answer = api("GET" if body is None else "POST", f"{NS}/state/{state_id}/{path}", body)
        assert (answer.status, answer.body) == (404, {"detail": "State not found"})

    def test_an_unknown_run_is_an_empty_picture(self, api: Api) -> None:
        body = api("GET", f"{NS}/states/run/unknown/graph").body
        assert (body["nodes"], body["graph_name"], sum(body["execution_summary"].values())) == ([], "", 0)

    def test_wrong_node_ids(self, api: Api) -> None:
        answer = api("GET", f"{NS}/graph/hello/run/r/node/x")
        assert (answer.status, answer.body) == (400, {"detail": "Invalid node ID format: x"})
        unknown = "0" * 24
        answer = api("GET", f"{NS}/graph/hello/run/r/node/{unknown}")
        expected = {"detail": f"Node {unknown} not found in run r for graph hello"}
        assert (answer.status, answer.body) == (404, expected)

    def test_runs_are_listed_page_by_page_the_newest_first(self, api: Api) -> None:
        base = "/v0/namespace/paged"
        hello = node(namespace="demo")
        api("PUT", f"{base}/graph/g", {"secrets": {}, "nodes": [hello]})
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
        assert api("POST", f"{NS}/graph/{path}/trigger", {}).status == 404


class TestExtensions:
    def test_an_empty_answer_is_held_back_until_there_is_work(self, api: Api) -> None:
        body = {"nodes": ["Hello"], "batch_size": 5, "wait": 20_000}
        while api("POST", f"{NS}/states/enqueue", {"nodes": ["Hello"], "batch_size": 100}).body["count"]:
            pass
        answers: list[Answer] = []
        waiting = _in_thread(lambda: answers.append(api("POST", f"{NS}/states/enqueue", body)))
        run_id = api("POST", f"{NS}/graph/hello/trigger", {"start_delay": 300}).body["run_id"]
        waiting.join(15)
        (state,) = answers[0].body["states"]
        (shown,) = api("GET", f"{NS}/states/run/{run_id}/graph").body["nodes"]
        assert state["state_id"].startswith(shown["id"])

    def test_leases_are_renewed_and_given_back(self, api: Api) -> None:
        state_id = claim(api)["state_id"]
        answer = api("POST", "/v1/leases/renew", {"state_ids": [state_id, "gone.x"], "lease": 1000})
        assert (answer.status, answer.body) == (200, {"held": [state_id], "lost": ["gone.x"]})
        answer = api("POST", "/v1/leases/release", {"state_ids": [state_id]})
        assert answer.body == {"held": [state_id], "lost": []}
        again = api("POST", f"{NS}/states/enqueue", {"nodes": ["Hello"], "batch_size": 100}).body["states"]
        assert state_id.partition(".")[0] in {state["state_id"].partition(".")[0] for state in again}


def _in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread
