"""Whatever a request holds, within the description of the interface or against it: never a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.manager.operations.context import Settings
from tests.manager.conftest import KINDS, fresh
from tests.support.manager import BASE, HELLO, V1, Api, Served, claim, hello, serving
from tests.support.requirements import require

try:
    import schemathesis
except ImportError:
    schemathesis = None  # type: ignore[assignment]

EXAMPLES = 8  # of each operation, valid and invalid ones alike
ENDLESS = "/v1/namespace/{namespace_name}/events"


@pytest.fixture(params=KINDS)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A manager that holds no answer back."""
    require(schemathesis, "schemathesis")
    with fresh(request, tmp_path) as database, serving(database, Settings(longest_wait=0)) as manager:
        yield manager


def known_things(api: Api) -> dict[str, str]:
    """Parameters of paths that lead to something."""
    cron = {"type": "CRON", "value": {"expression": "0 0 1 1 *"}}
    api("PUT", f"{BASE}/nodes/", {"runtime_name": "rt", "nodes": [HELLO]})
    body = {"secrets": {"s": "x"}, "nodes": [hello()], "triggers": [cron]}
    assert api("PUT", f"{BASE}/graph/hello", body).status == 201
    state_id = claim(api)["state_id"]
    (trigger,) = api("GET", f"{V1}/triggers").body["triggers"]
    return {
        "namespace_name": "demo",
        "graph_name": "hello",
        "state_id": state_id,
        "node_id": state_id.partition(".")[0],
        "run_id": api("GET", f"{V1}/state/{state_id}").body["run_id"],
        "trigger_id": trigger["id"],
        "key_id": api("POST", "/v1/keys", {"name": "k", "namespaces": ["demo"]}).body["id"],
    }


def operations(served: Served) -> list[Any]:
    """Everything that the manager describes, removing last."""
    schema = schemathesis.openapi.from_url(f"{served.uri}/openapi.json")
    found = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    return sorted((one for one in found if one.path != ENDLESS), key=lambda one: one.method == "delete")


def check(operation: Any, mode: Any, known: dict[str, str], key: str) -> None:
    """Make requests of one kind."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), leads_somewhere=st.booleans())
    def request(case: Any, leads_somewhere: bool) -> None:
        if leads_somewhere:
            case.path_parameters = {
                name: known.get(name, value) for name, value in case.path_parameters.items()
            }
        response = case.call(headers={"x-api-key": key})
        assert response.status_code < 500, f"{response.status_code} {response.text}\n{case.as_curl_command()}"

    request()


def test_no_request_is_answered_by_a_server_error(served: Served) -> None:
    known = known_things(Api(served.uri, served.key))
    asked = 0
    for operation in operations(served):
        for mode in schemathesis.GenerationMode:
            if mode is schemathesis.GenerationMode.NEGATIVE and not operation.body:
                continue
            check(operation, mode, known, served.key)
            asked += 1
    assert asked > 40
