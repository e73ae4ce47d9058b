"""Transactions: whole or not at all, on disk when the future is done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.dialects import sqlite

from groundup.manager.errors import DatabaseError
from groundup.manager.store import migrations, states
from groundup.manager.store.database import Database
from groundup.manager.store.schema import metadata


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "manager.db")
    made.write(lambda connection: connection.exec_driver_sql("CREATE TABLE t (n INTEGER UNIQUE)")).result()
    yield made
    made.close()


def insert(number: int) -> object:
    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})
        return number

    return work


def numbers(database: Database) -> list[int]:
    return database.read(lambda connection: [row.n for row in connection.execute(text("SELECT n FROM t"))])


def test_a_failed_write_is_undone_alone(database: Database) -> None:
    def broken(connection: Connection) -> None:
        connection.execute(text("INSERT INTO t VALUES (99)"))
        raise ValueError("broken")

    works = [insert(1), broken, insert(2), insert(1), insert(3)]
    futures = [database.write(work) for work in works]  # type: ignore[arg-type, var-annotated]
    wait(futures)
    assert [type(future.exception()).__name__ for future in futures] == [
        "NoneType",
        "ValueError",
        "NoneType",
        "IntegrityError",
        "NoneType",
    ]
    assert numbers(database) == [1, 2, 3]


def test_what_is_waiting_is_written_before_the_database_closes(tmp_path: Path, database: Database) -> None:
    futures = [database.write(insert(number)) for number in range(500)]  # type: ignore[arg-type, var-annotated]
    database.close()
    assert all(future.done() for future in futures)
    with sqlite3.connect(tmp_path / "manager.db") as plain:
        assert plain.execute("SELECT count(*) FROM t").fetchone() == (500,)
    plain.close()
    with pytest.raises(DatabaseError, match="is closed"):
        database.write(insert(1))  # type: ignore[arg-type]


def test_commits_are_synchronised_and_logged_ahead(database: Database) -> None:
    def pragma(connection: Connection) -> tuple[str, int]:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        return mode, connection.exec_driver_sql("PRAGMA synchronous").scalar_one()

    assert database.write(pragma).result() == ("wal", 2)


def test_a_full_disk_fails_the_write_and_nothing_else(database: Database) -> None:
    def limit(connection: Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE big (data BLOB)")
        connection.exec_driver_sql("INSERT INTO big VALUES (zeroblob(10000000))")

    database.write(insert(1)).result()  # type: ignore[arg-type]
    rolled_back = []
    database.on_rollback = lambda: rolled_back.append(True)
    database.write(lambda connection: limit(connection, 1)).result()  # SQLite keeps what is there already
    with pytest.raises(DatabaseError, match="database or disk is full"):
        database.write(fill).result()
    assert rolled_back == [True]
    database.write(lambda connection: limit(connection, 10**6)).result()
    database.write(insert(2)).result()  # type: ignore[arg-type]
    assert numbers(database) == [1, 2]


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "manager.db"
    path.write_text("something else, long enough to be looked at as a header of a database file")
    with pytest.raises(DatabaseError, match=r"manager\.db cannot be used: file is not a database"):
        Database(path)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "manager.db"
    Database(path).close()
    with sqlite3.connect(path) as plain:
        plain.execute("INSERT INTO schema_migrations VALUES (999, 0)")
    plain.close()
    with pytest.raises(DatabaseError, match="schema version 999, this version of groundup knows") as caught:
        Database(path)
    assert "newer" in caught.value.hint


def test_migrations_run_once(tmp_path: Path) -> None:
    for _ in range(2):
        database = Database(tmp_path / "manager.db")
        applied = database.read(migrations.current_version)
        database.close()
        assert applied == len(migrations.MIGRATIONS)


def test_the_migrated_schema_has_the_columns_that_the_statements_use(database: Database) -> None:
    def columns(connection: Connection) -> dict[str, list[str]]:
        return {
            name: [row.name for row in connection.execute(text(f"PRAGMA table_info({name})"))]
            for name in metadata.tables
        }

    expected = {name: [column.name for column in table.columns] for name, table in metadata.tables.items()}
    found = database.read(columns)
    assert {name: sorted(names) for name, names in found.items()} == {
        name: sorted(names) for name, names in expected.items()
    }


def test_a_claim_of_several_nodes_uses_the_index_and_sorts_only_what_it_found(database: Database) -> None:
    statement = states.claim_statement(2)
    values = {"wanted": "a", "name_0": "b", "name_1": "c", "now": 1, "most": 5, "until": 9, "new_token": "t"}
    compiled = statement.compile(dialect=sqlite.dialect())
    parameters = tuple(compiled.construct_params(values)[name] for name in compiled.positiontup or ())

    def explain(connection: Connection) -> list[str]:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", parameters)
        return [row.detail for row in rows]

    plan = database.read(explain)
    assert sum("USING INDEX node_states_claimable" in line for line in plan) == 2
    assert not any(line.startswith("SCAN node_states") for line in plan)
