"""The protocol over HTTP: statuses, bodies, headers and messages to the letter."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pytest

from tests.support.manager import BASE, HELLO, Api, Served, claim, hello

pytestmark = pytest.mark.usefixtures("registered")

POLICY = {
    "max_retries": 3,
    "strategy": "EXPONENTIAL",
    "backoff_factor": 2000,
    "exponent": 2,
    "max_delay": None,
}


class TestConventions:
    def test_health_needs_no_key(self, served: Served) -> None:
        answer = Api(served.uri, None)("GET", "/health")
        assert (answer.status, answer.body) == (200, {"message": "OK"})

    @pytest.mark.parametrize("key", [None, "", "wrong", "ü"])
    @pytest.mark.parametrize("body", [None, {"bad": 1}, b"{not json"])
    def test_a_wrong_key_is_refused_before_the_body_is_looked_at(
        self, served: Served, key: str | None, body: Any
    ) -> None:
        answer = Api(served.uri, key)("PUT", f"{BASE}/nodes/", body)
        assert (answer.status, answer.body) == (401, {"detail": "Invalid API key"})

    def test_the_request_id_is_echoed_or_made(self, api: Api, served: Served) -> None:
        given = str(uuid.uuid4())
        answers = [
            api("GET", "/health", x_exosphere_request_id=given),
            api("GET", "/nowhere", x_exosphere_request_id=given),
            Api(served.uri, None)("GET", f"{BASE}/nodes/", x_exosphere_request_id=given),
            api("PUT", f"{BASE}/nodes/", {}, x_exosphere_request_id=given),
            api("GET", f"{BASE}/nodes", x_exosphere_request_id=given),
        ]
        assert [answer.status for answer in answers] == [200, 404, 401, 422, 307]
        assert {answer.headers["x-exosphere-request-id"] for answer in answers} == {given}
        made = api("GET", "/health", x_exosphere_request_id="nonsense").headers["x-exosphere-request-id"]
        assert uuid.UUID(made).version == 4

    def test_the_manager_announces_itself_on_every_answer(self, api: Api) -> None:
        assert all("x-groundup-manager" in api("GET", path).headers for path in ("/health", "/nowhere"))

    def test_the_interface_is_described_without_a_key(self, served: Served) -> None:
        described = Api(served.uri, None)("GET", "/openapi.json").body
        v0 = [path for path in described["paths"] if path.startswith("/v0/")]
        assert sum(len(described["paths"][path]) for path in v0) == 17
        assert described["components"]["securitySchemes"]["APIKeyHeader"]["name"] == "x-api-key"

    def test_unknown_paths_and_methods(self, api: Api) -> None:
        assert (api("GET", "/nowhere").status, api("GET", "/nowhere").body) == (404, {"detail": "Not Found"})
        answer = api("DELETE", f"{BASE}/nodes/")
        assert (answer.status, answer.body) == (405, {"detail": "Method Not Allowed"})
        assert "allow" in answer.headers

    def test_a_missing_slash_is_redirected(self, api: Api, served: Served) -> None:
        answer = api("GET", f"{BASE}/graphs")
        assert (answer.status, answer.headers["location"]) == (307, f"{served.uri}{BASE}/graphs/")

    def test_validation_errors(self, api: Api) -> None:
        answer = api("POST", f"{BASE}/graph/hello/trigger", {"start_delay": -1})
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
        body = {"secrets": {}, "nodes": [hello(identifier="store")]}
        (detail,) = api("PUT", f"{BASE}/graph/x", body).body["detail"]
        assert detail["msg"] == "Value error, Node identifier cannot be reserved word 'store'"
        assert (detail["type"], detail["ctx"]) == ("value_error", {"error": {}})

    def test_a_missing_body(self, api: Api) -> None:
        (detail,) = api("POST", f"{BASE}/graph/hello/trigger").body["detail"]
        assert (detail["type"], detail["loc"], detail["input"]) == ("missing", ["body"], None)

    @pytest.mark.parametrize(
        "body", [b"{x", b'{"outputs": [{"a": NaN}]}', b'{"outputs": [{"a": "\\ud800"}]}']
    )
    def test_what_is_no_json_is_refused(self, api: Api, body: bytes) -> None:
        answer = api("POST", f"{BASE}/state/{'0' * 24}/executed", body)
        assert answer.status == 422
        assert answer.body["detail"][0]["type"] == "json_invalid"
        assert answer.body["detail"][0]["msg"] == "JSON decode error"

    @pytest.mark.parametrize(
        "value", [b"[" * 200_000, b"1" * 5_000, b'{"a":' * 50_000, b"1e999", b'"\\u0000"']
    )
    def test_unusual_values_are_no_server_error(self, api: Api, value: bytes) -> None:
        body = b'{"outputs": [{"a": ' + value + b"}]}"
        assert api("POST", f"{BASE}/state/{'0' * 24}/executed", body).status in {400, 404, 422}

    def test_what_is_nested_is_given_out_again_or_refused(self, api: Api) -> None:
        for depth, status in ((190, 200), (230, 422), (300, 422), (5_000, 422)):
            nested = b'{"a":' * depth + b"1" + b"}" * depth
            state = claim(api)["state_id"]
            assert api("POST", f"{BASE}/state/{state}/prune", b'{"data":' + nested + b"}").status == status
            shown = api("GET", f"/v1/namespace/demo/state/{state}")
            assert (shown.status, shown.body["status"]) == (200, "PRUNED" if status == 200 else "QUEUED")
            node = b'{"name": "Deep", "outputs_schema": {}, "secrets": [], "inputs_schema":' + nested + b"}"
            body = b'{"runtime_name": "rt", "nodes": [' + node + b"]}"
            assert api("PUT", "/v0/namespace/deep/nodes/", body).status == status
            assert api("GET", "/v0/namespace/deep/nodes/").status == 200

    def test_text_with_any_character_is_kept_or_refused(self, api: Api) -> None:
        state = claim(api)["state_id"]
        answer = api("POST", f"{BASE}/state/{state}/errored", {"error": "a\0b"})
        assert (answer.status, answer.body["status"]) == (200, "ERRORED")
        state = claim(api)["state_id"]
        assert api("POST", f"{BASE}/state/{state}/executed", {"outputs": [{"a": "b\0"}]}).status == 200
        assert api("POST", f"{BASE}/graph/%00/trigger", {}).status in {400, 404}

    def test_a_body_without_end_is_cut_off(self, api: Api) -> None:
        body = b'{"error": "' + b"x" * (33 * 1024 * 1024) + b'"}'
        assert api("POST", f"{BASE}/state/{'0' * 24}/errored", body).status == 413

    def test_numbers_in_text_are_taken_for_numbers_but_not_the_other_way_round(self, api: Api) -> None:
        enqueue = f"{BASE}/states/enqueue"
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
        body = {"secrets": {"s": "x"}, "nodes": [hello(next_nodes=None)]}
        answer = api("PUT", f"{BASE}/graph/saved", body)
        assert answer.status == 201
        times = [datetime.fromisoformat(answer.body.pop(name)) for name in ("created_at", "updated_at")]
        assert all(time.tzinfo is None for time in times)
        assert answer.body == {
            "nodes": [{**hello(), "next_nodes": [], "unites": None}],
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
        body = {"secrets": {}, "nodes": [hello()], "retry_policy": policy, "store_config": store}
        api("PUT", f"{BASE}/graph/true", body)
        read = api("GET", f"{BASE}/graph/true").body
        assert (read["retry_policy"], read["store_config"]) == (policy, store)

    def test_a_flow_that_does_not_fit_the_nodes_is_saved_as_invalid(self, api: Api) -> None:
        answer = api("PUT", f"{BASE}/graph/invalid", {"secrets": {}, "nodes": [hello(inputs={})]})
        assert (answer.status, answer.body["validation_status"]) == (201, "INVALID")
        assert answer.body["validation_errors"] == [
            "Input name in node Hello in namespace demo is not present in the graph template"
        ]
        answer = api("POST", f"{BASE}/graph/invalid/trigger", {})
        assert (answer.status, answer.body) == (400, {"detail": "Graph template is not valid"})

    def test_a_malformed_flow_is_refused(self, api: Api) -> None:
        answer = api("PUT", f"{BASE}/graph/bad", {"secrets": {}, "nodes": [hello(next_nodes=["x"])]})
        assert answer.status == 400
        assert answer.body["detail"].startswith(
            "Error validating graph template: 1 validation error for GraphTemplate\n"
            "  Value error, Node identifier x does not exist in the graph [type=value_error, input_value="
        )
        answer = api("GET", f"{BASE}/graph/bad")
        assert (answer.status, answer.body) == (
            404,
            {"detail": "Graph template bad not found in namespace demo"},
        )

    def test_triggers_are_kept_and_answered_as_they_came(self, api: Api) -> None:
        cron = [{"type": "CRON", "value": {"expression": text}} for text in (" 0 0 * * MON ", "@daily")]
        body = {"secrets": {}, "nodes": [hello()], "triggers": cron}
        assert api("PUT", f"{BASE}/graph/cron", body).body["triggers"] == cron
        assert api("GET", f"{BASE}/graph/cron").body["triggers"] == cron

    @pytest.mark.parametrize(
        ("trigger", "message"),
        [
            ({"expression": "H * * * *"}, "Invalid cron expression"),
            ({"expression": ""}, "Invalid cron expression"),
            ({"expression": "@daily", "timezone": "Nowhere/At_All"}, "Unknown time zone 'Nowhere/At_All'"),
            (
                {"expression": "@daily", "timezone": "../../etc/passwd"},
                "Unknown time zone '../../etc/passwd'",
            ),
        ],
    )
    def test_triggers_are_checked(self, api: Api, trigger: dict[str, str], message: str) -> None:
        cron = [{"type": "CRON", "value": trigger}]
        answer = api("PUT", f"{BASE}/graph/c", {"secrets": {}, "nodes": [hello()], "triggers": cron})
        assert (answer.status, answer.body["detail"][0]["msg"]) == (422, f"Value error, {message}")

    def test_a_trigger_that_is_never_due_makes_the_flow_invalid(self, api: Api) -> None:
        cron = [{"type": "CRON", "value": {"expression": "0 0 31 2 *"}}]
        answer = api("PUT", f"{BASE}/graph/c", {"secrets": {}, "nodes": [hello()], "triggers": cron})
        assert (answer.status, answer.body["validation_status"]) == (201, "INVALID")
        assert answer.body["validation_errors"] == [
            "Validation failed due to unexpected error: failed to find next date"
        ]

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
        body = {"secrets": {}, "nodes": [{**hello(), field: value}]}
        answer = api("PUT", f"{BASE}/graph/fields", body)
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
        body = {"secrets": {}, "nodes": [hello()], "store_config": store}
        answer = api("PUT", f"{BASE}/graph/fields", body)
        assert (answer.status, answer.body["detail"][0]["msg"]) == (422, f"Value error, {message}")

    def test_the_list_shows_no_secret_not_even_encrypted(self, api: Api) -> None:
        api("PUT", "/v0/namespace/listed/graph/one", {"secrets": {"s": "topsecret"}, "nodes": [hello()]})
        body = api("GET", "/v0/namespace/listed/graphs/").body
        (template,) = body["templates"]
        assert (body["count"], template["name"], template["namespace"]) == (1, "one", "listed")
        assert template["secrets"] == {"s": "********"}
        assert template["validation_status"] == "VALID"  # the node stands in the namespace demo
