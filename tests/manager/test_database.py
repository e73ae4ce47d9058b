"""Transactions: whole or not at all, on disk when the future is done."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.dialects import sqlite

from groundup.manager.errors import DatabaseError, NotFoundError, RejectedError
from groundup.manager.store import states
from groundup.manager.store.database import Database


def with_table(address: Path | str) -> Database:
    made = Database(address)
    made.write(lambda connection: connection.exec_driver_sql("CREATE TABLE t (n INTEGER UNIQUE)")).result()
    return made


@pytest.fixture
def database(address: Path | str) -> Iterator[Database]:
    made = with_table(address)
    yield made
    made.close()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    made = with_table(tmp_path / "manager.db")
    yield made
    made.close()


def insert(number: int) -> object:
    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})
        return number

    return work


def numbers(database: Database) -> list[int]:
    query = text("SELECT n FROM t ORDER BY n")
    return database.read(lambda connection: [row.n for row in connection.execute(query)])


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


def test_what_is_refused_leaves_the_connection_of_its_writer(database: Database) -> None:
    connected: list[object] = []

    def refused(_connection: Connection) -> None:
        raise NotFoundError("nothing there")

    for number in range(3 * database.writers):
        database.write(insert(number)).result()  # type: ignore[arg-type]
    event.listen(database._backend.engine, "connect", lambda *_: connected.append(1))
    for number in range(10):
        assert isinstance(database.write(refused).exception(), NotFoundError)
        database.write(insert(100 + number)).result()  # type: ignore[arg-type]
    assert len(connected) < database.writers
    assert numbers(database) == [*range(3 * database.writers), *range(100, 110)]


def test_what_is_waiting_is_written_before_the_database_closes(
    address: Path | str, database: Database
) -> None:
    futures = [database.write(insert(number)) for number in range(500)]  # type: ignore[arg-type, var-annotated]
    database.close()
    assert all(future.done() for future in futures)
    again = Database(address)
    assert numbers(again) == list(range(500))
    again.close()
    with pytest.raises(DatabaseError, match="is closed"):
        database.write(insert(1))  # type: ignore[arg-type]


def test_commits_are_synchronised_and_logged_ahead(sqlite_database: Database) -> None:
    def pragma(connection: Connection) -> tuple[str, int]:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        return mode, connection.exec_driver_sql("PRAGMA synchronous").scalar_one()

    assert sqlite_database.write(pragma).result() == ("wal", 2)


def test_a_full_disk_fails_the_write_and_nothing_else(sqlite_database: Database) -> None:
    database = sqlite_database

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


def test_a_value_that_cannot_be_stored_is_the_writers_fault(database: Database) -> None:
    with pytest.raises(RejectedError, match="A value cannot be stored"):
        database.write(insert(10**30)).result()  # type: ignore[arg-type]
    database.write(insert(1)).result()  # type: ignore[arg-type]
    assert numbers(database) == [1]


def test_errors_do_not_show_what_was_to_be_stored(database: Database) -> None:
    database.write(insert(123456789)).result()  # type: ignore[arg-type]
    error = database.write(insert(123456789)).exception()  # type: ignore[arg-type]
    assert "INSERT INTO t" in str(error)
    assert "[SQL parameters hidden" in str(error)


def test_a_claim_of_several_nodes_uses_the_index_and_sorts_only_what_it_found(
    sqlite_database: Database,
) -> None:
    statement = states.claim_statement(2, "sqlite")
    values = {"wanted": "a", "name_0": "b", "name_1": "c", "now": 1, "most": 5, "until": 9, "new_token": "t"}
    compiled = statement.compile(dialect=sqlite.dialect())
    parameters = tuple(compiled.construct_params(values)[name] for name in compiled.positiontup or ())

    def explain(connection: Connection) -> list[str]:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", parameters)
        return [row.detail for row in rows]

    plan = sqlite_database.read(explain)
    assert sum("USING INDEX node_states_claimable" in line for line in plan) == 2
    assert not any(line.startswith("SCAN node_states") for line in plan)
