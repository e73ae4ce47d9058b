"""A manager is upgraded in the middle of runs: the new one brings the schema forward, and they finish."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from groundup.manager.store import migrations
from groundup.manager.store.address import backend_of
from groundup.nodes.wire import StateStatus
from tests.support.background import until
from tests.support.chaos import (
    SPREAD,
    SPREAD_EXECUTIONS,
    SPREAD_SUCCESSES,
    ChaosWorker,
    Journal,
    LastingManager,
    Pace,
    save_flow,
    scaled,
    start_runs,
    wait_for_end,
)
from tests.support.invariants import Kept, repeated, violations

RUNS = scaled(12, 200)
PACE = Pace(seconds=0.05, workers=4, batch=4, lease=4)
EARLIER = [*range(1, len(migrations.MIGRATIONS))]


def go_back(database: Path, version: int) -> None:
    """Make a database, which nobody uses, what a manager with an earlier schema would have written."""
    older = database.with_name("older.db")
    engine = backend_of(older).engine
    with engine.begin() as connection:
        migrations.migrate(connection, version)
    engine.dispose()
    with closing(sqlite3.connect(older, isolation_level=None)) as connection:
        connection.execute("ATTACH DATABASE ? AS newer", (str(database),))
        for table in names(connection, "SELECT name FROM main.sqlite_schema WHERE type = 'table'"):
            if not table.startswith(("sqlite_", "schema_")):
                columns = ", ".join(names(connection, f"SELECT name FROM pragma_table_info('{table}')"))  # noqa: S608
                connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM newer.{table}")  # noqa: S608
    for path in database.parent.glob(f"{database.name}-*"):
        path.unlink()
    older.replace(database)


def names(connection: sqlite3.Connection, query: str) -> list[str]:
    return [name for (name,) in connection.execute(query)]


@pytest.mark.parametrize("version", scaled(EARLIER[:1], EARLIER))
def test_runs_go_on_under_a_new_version(version: int, tmp_path: Path) -> None:
    database, journal = tmp_path / "manager.db", Journal(tmp_path / "journal")
    with LastingManager(database, grace=2) as manager, ChaosWorker(manager.uri, journal, PACE) as worker:
        save_flow(manager.api, SPREAD)
        start_runs(manager.api, RUNS)
        until(lambda: journal.count("end") > RUNS * SPREAD_EXECUTIONS // 3, "a third is done")
        manager.kill()
        go_back(database, version)
        manager.start()
        assert Kept.read(database).with_status(StateStatus.QUEUED)
        wait_for_end(manager.api, SUCCESS=RUNS)
        assert not worker.ended()
    kept = Kept.read(database)
    assert violations(kept, journal) == []
    assert list(kept.successes().values()) == [SPREAD_SUCCESSES] * RUNS
    assert repeated(kept, journal) == set()
