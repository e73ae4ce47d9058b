"""What a manager counts, as Prometheus reads it."""

from __future__ import annotations

import re
import signal
import socket
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from sqlalchemy import Connection, Select
from sqlalchemy.dialects import sqlite

from groundup.manager.store import backlog
from groundup.manager.store.database import Database
from tests.support.background import until
from tests.support.manager import BASE, HELLO, V1, Api, claim, hello
from tests.support.managers import API_KEY, ManagerProcess


def address_in(process: ManagerProcess) -> str:
    """Where the metrics are; waits for that."""
    assert process.uri
    (found,) = re.findall(r"metrics on (\S+)", process.stderr)
    return str(found)


def read(uri: str) -> dict[str, float]:
    with urlopen(uri, timeout=30) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in re.findall(r"(?m)^(groundup\S+(?: \S+\})?) (\S+)$", text)}


def prepare(api: Api) -> None:
    api("PUT", f"{BASE}/nodes/", {"runtime_name": "rt", "nodes": [HELLO]})
    assert api("PUT", f"{BASE}/graph/hello", {"secrets": {}, "nodes": [hello()]}).status == 201


def test_requests_claims_outcomes_and_what_waits_are_counted(address: Path | str) -> None:
    with ManagerProcess(address, metrics_port=0) as process:
        uri, api = address_in(process), process.api()
        prepare(api)
        states = [claim(api)["state_id"] for _ in range(3)]
        api("POST", f"{BASE}/graph/hello/trigger", {})
        counted = read(uri)
        assert counted["groundup_manager_claimed_node_states_total"] == 3
        assert counted["groundup_manager_due_node_states"] == 1
        assert counted["groundup_manager_claimed_now_node_states"] == 3
        assert counted["groundup_manager_oldest_due_seconds"] >= 0
        assert api("POST", f"{BASE}/state/{states[0]}/executed", {"outputs": []}).status == 200
        items = [{"outcome": "prune", "state_id": state, "data": {}} for state in (*states[1:], "0" * 24)]
        assert api("POST", f"{V1}/outcomes", {"outcomes": items}).status == 200
        counted = read(uri)
        assert counted['groundup_manager_outcomes_total{outcome="executed"}'] == 1
        assert counted['groundup_manager_outcomes_total{outcome="prune"}'] == 2
        assert counted["groundup_manager_claimed_now_node_states"] == 0
        trigger = "POST /v0/namespace/{namespace_name}/graph/{graph_name}/trigger"
        assert counted[f'groundup_manager_request_seconds_count{{endpoint="{trigger}",status="200"}}'] == 4
        process.send(signal.SIGTERM)
        assert process.wait() == 0


def test_no_client_can_make_them_many(tmp_path: Path) -> None:
    """Names, paths and methods that clients choose are no labels."""
    with ManagerProcess(tmp_path / "manager.db", metrics_port=0) as process:
        uri, api = address_in(process), process.api()
        api("GET", "/nowhere")
        api("DELETE", f"{BASE}/nodes/")
        api("GET", f"{BASE}/graph/first")
        before = read(uri)
        for method in ("PATCH", "PROPFIND", "LOCK", "MKCOL", "SEARCH"):
            word = uuid.uuid4().hex
            api("GET", f"/{word}")
            api(method, f"{BASE}/nodes/")
            api("GET", f"/v0/namespace/{word}/graph/{word}")
        after = read(uri)
        assert set(after) == set(before)
        counted = 'groundup_manager_request_seconds_count{endpoint="other",status="404"}'
        assert after[counted] == before[counted] + 5


def test_what_housekeeping_did_is_counted(tmp_path: Path) -> None:
    with ManagerProcess(tmp_path / "manager.db", metrics_port=0) as process:
        uri, api = address_in(process), process.api()
        prepare(api)
        api("POST", f"{BASE}/graph/hello/trigger", {})
        short = {"nodes": ["Hello"], "batch_size": 1, "lease": 100}
        assert api("POST", f"{BASE}/states/enqueue", short).body["count"] == 1
        lost = 'groundup_manager_housekeeping_total{what="lost_claims"}'
        until(lambda: read(uri).get(lost) == 1, "the lost claim is counted")


def test_nobody_needs_a_key_and_nothing_is_told_that_needs_one(tmp_path: Path) -> None:
    """They stand on a port of their own, by default on the loopback interface, and name no flow."""
    with ManagerProcess(tmp_path / "manager.db", metrics_port=0) as process:
        uri = address_in(process)
        prepare(process.api())
        assert uri.startswith("http://127.0.0.1:") and not uri.startswith(process.uri)
        with urlopen(uri, timeout=30) as answer:
            text = answer.read().decode()
        assert not [word for word in ("demo", "hello", "Hello", API_KEY) if word in text]
        assert Api(process.uri, API_KEY)("GET", "/metrics").status == 404


@pytest.mark.parametrize("statement", [backlog.OLDEST, backlog.COUNT_DUE, backlog.COUNT_CLAIMED])
def test_looking_at_what_waits_reads_nothing_of_what_has_ended(
    tmp_path: Path, statement: Select[Any]
) -> None:
    def explain(connection: Connection) -> list[str]:
        compiled = statement.compile(dialect=sqlite.dialect())
        values = {name: value or 0 for name, value in compiled.params.items()}
        parameters = tuple(values[name] for name in compiled.positiontup or ())
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", parameters)
        return [row.detail for row in rows]

    with closing(Database(tmp_path / "manager.db")) as database:
        plan = database.read(explain)
    assert not any(line.startswith("SCAN node_states") for line in plan), plan
    assert any(re.search(r"USING (COVERING )?INDEX node_states_(claimable|leased)", line) for line in plan)


@pytest.mark.parametrize("wanted", [None, "taken"])
def test_without_a_port_there_are_none_and_a_taken_one_is_named(tmp_path: Path, wanted: str | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if wanted else None
        with ManagerProcess(tmp_path / "manager.db", metrics_port=port) as process:
            if wanted is None:
                assert process.uri
            else:
                assert process.wait() == 1
        assert ("metrics cannot be served on" in process.stderr) is (wanted is not None)
        assert "metrics on" not in process.stderr
