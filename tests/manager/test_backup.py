"""A copy that is taken while the manager works is whole, and can be served."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.manager import BASE, Api, place, register
from tests.support.managers import API_KEY, ManagerProcess
from tests.support.postgres import PostgresServer


def by_backup(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target, pages=5)


def by_vacuum(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))


def trigger_until(api: Api, stopped: threading.Event) -> None:
    """Start runs, and execute the first node of each."""
    while not stopped.is_set():
        api("POST", f"{BASE}/graph/g/trigger", {})
        (state,) = api("POST", f"{BASE}/states/enqueue", {"nodes": ["Node"], "batch_size": 1}).body["states"]
        api("POST", f"{BASE}/state/{state['state_id']}/executed", {"outputs": [{}]})


def prepare(process: ManagerProcess) -> Api:
    api = process.api()
    assert register(process.uri, API_KEY) == 200
    nodes = [node.model_dump(mode="json") for node in (place("a", "b"), place("b"))]
    assert api("PUT", f"{BASE}/graph/g", {"secrets": {}, "nodes": nodes}).status == 201
    for _ in range(20):
        api("POST", f"{BASE}/graph/g/trigger", {})
    return api


def check(database: Path | str) -> None:
    """Every run of the copy can be brought to its end."""
    with ManagerProcess(database) as process:
        api = process.api()
        wanted = {"nodes": ["Node"], "batch_size": 100}
        while states := api("POST", f"{BASE}/states/enqueue", wanted).body["states"]:
            for state in states:
                answer = api("POST", f"{BASE}/state/{state['state_id']}/executed", {"outputs": [{}]})
                assert answer.status == 200
        runs = api("GET", f"{BASE}/runs/1/0").body["runs"]
        held = [run for run in runs if run["status"] == "PENDING"]  # by a claim of the original
        assert len(runs) - len(held) >= 19
        assert len(held) <= 1
        assert {run["success_count"] for run in runs if run not in held} == {2}


@pytest.mark.parametrize("copy_of", [by_backup, by_vacuum])
def test_a_sqlite_file_is_copied_while_it_is_written(
    tmp_path: Path, copy_of: Callable[[Path, Path], None]
) -> None:
    stopped = threading.Event()
    with ManagerProcess(tmp_path / "manager.db") as process:
        api = prepare(process)
        working = threading.Thread(target=trigger_until, args=(api, stopped))
        working.start()
        try:
            copy_of(tmp_path / "manager.db", tmp_path / "copy.db")
        finally:
            stopped.set()
            working.join(60)
    check(tmp_path / "copy.db")


def test_postgresql_is_dumped_while_it_is_written(postgres: PostgresServer, tmp_path: Path) -> None:
    stopped = threading.Event()
    dump = tmp_path / "dump.sql"
    with postgres.schema() as url:
        with ManagerProcess(url) as process:
            api = prepare(process)
            working = threading.Thread(target=trigger_until, args=(api, stopped))
            working.start()
            try:
                postgres.program("pg_dump", "--schema", postgres.schema_of(url), stdout=dump)
            finally:
                stopped.set()
                working.join(60)
        postgres.execute(f"DROP SCHEMA {postgres.schema_of(url)} CASCADE")
        postgres.program("psql", "-q", "-v", "ON_ERROR_STOP=1", stdin=dump)
        check(url)
