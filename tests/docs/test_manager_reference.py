"""The page about the state manager names its endpoints, statuses and variables as they are."""

from __future__ import annotations

from groundup.manager import serving
from groundup.manager.api.app import create_api
from groundup.manager.api.auth import REFUSALS
from groundup.manager.housekeeping import CHORES
from groundup.manager.operations.backlog import Backlog
from groundup.manager.operations.context import Context
from groundup.manager.prometheus import PrometheusMetrics
from groundup.manager.secrets import SecretCipher, generate_key
from groundup.manager.service import ManagerService
from groundup.manager.store.database import Database
from tests.docs import endpoints
from tests.docs.pages import CHECKOUT
from tests.docs.tables import codes, names, table

PAGE = (CHECKOUT / "docs/reference/state-manager.md").read_text(encoding="utf-8")
OPERATING = (CHECKOUT / "docs/how-to/operate-a-state-manager.md").read_text(encoding="utf-8")


def test_every_endpoint_beyond_the_protocol_stands_there(tmp_path: object) -> None:
    database = Database(f"{tmp_path}/manager.db")
    described = create_api(ManagerService(database, Context(SecretCipher(generate_key()))), "key").openapi()
    database.close()
    offered = {
        f"{method.upper()} {path.replace('/v1/namespace/{namespace_name}', 'N')}"
        for path, methods in described["paths"].items()
        for method in methods
        if path.startswith("/v1/")
    }
    assert {codes(row[0])[0] for row in table(PAGE, "endpoint")} == offered


def test_every_status_of_a_refusal_stands_there() -> None:
    assert {int(row[0]) for row in table(PAGE, "status")} == {*map(int, REFUSALS), 422}


def test_every_variable_stands_there() -> None:
    variables = {value for name, value in vars(serving).items() if name.endswith("_VARIABLE")}
    assert set(names(table(PAGE, "variable"))) == variables


def test_every_metric_of_a_manager_stands_there() -> None:
    counted = PrometheusMetrics(lambda: Backlog(due=0, claimed=0, oldest_seconds=0))
    families = {family.name: family.type for family in counted.registry.collect()}
    shown = {f"{name}_total" if kind == "counter" else name for name, kind in families.items()}
    assert set(names(table(OPERATING, "metric"))) == shown
    done = next(row for row in table(OPERATING, "metric") if "housekeeping" in row[0])
    assert set(codes(done[1])) - {"what"} < {chore.counted for chore in CHORES}


def test_the_page_of_endpoints_is_that_of_the_description() -> None:
    """Written anew by `python -m tests.docs.endpoints`."""
    assert endpoints.PAGE.read_text(encoding="utf-8") == endpoints.text_of(endpoints.described())


def test_every_endpoint_says_what_it_takes_and_answers() -> None:
    """No body is just any object, and each stands in one group of the page."""
    for path, methods in endpoints.described()["paths"].items():
        for method, operation in methods.items():
            (tag,) = operation["tags"]
            assert tag in endpoints.GROUPS
            assert operation["description"].endswith(".")
            holders = [operation["requestBody"]] if "requestBody" in operation else []
            holders += [answer for status, answer in operation["responses"].items() if status[0] == "2"]
            for holder in holders:
                ((kind, content),) = holder["content"].items()
                assert kind == "text/event-stream" or "$ref" in content["schema"], (method, path)
