"""PostgreSQL dies and comes back: calls wait for it, and nothing that was answered is lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, text

from groundup.manager.errors import DatabaseError
from groundup.manager.store import database as database_module
from groundup.manager.store.database import Database
from tests.support.manager import BASE, Api, serving
from tests.support.postgres import PostgresServer


def count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM t")).scalar_one())


def insert(connection: Connection) -> None:
    connection.execute(text("INSERT INTO t VALUES (1)"))


def test_writes_and_reads_wait_for_a_database_that_restarts() -> None:
    with PostgresServer() as server:
        database = Database(server.url())
        database.write(lambda connection: connection.execute(text("CREATE TABLE t (n INTEGER)"))).result()
        for _ in range(20):
            database.write(insert).result()
        server.kill()
        waiting = [database.write(insert) for _ in range(30)]
        counted: list[int] = []
        reader = threading.Thread(target=lambda: counted.append(database.read(count)))
        reader.start()
        server.start()
        for write in waiting:
            write.result(60)
        reader.join(60)
        assert 20 <= counted[0] <= 50
        assert database.read(count) == 50
        database.close()


END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'groundup'"
END_THIS = "SELECT pg_terminate_backend(pg_backend_pid())"


def test_connections_that_an_administrator_ends_are_replaced(postgres: PostgresServer) -> None:
    """Idle ones, and one in the middle of a transaction, which is done again from its beginning."""
    with postgres.schema() as address:
        database = Database(address)
        database.write(lambda connection: connection.execute(text("CREATE TABLE t (n INTEGER)"))).result()
        attempts: list[int] = []

        def ended_at_first(connection: Connection) -> None:
            insert(connection)
            attempts.append(1)
            if len(attempts) == 1:
                connection.execute(text(END_THIS))

        for _ in range(3):
            postgres.execute(END_ALL)
            for write in [database.write(insert) for _ in range(20)]:
                write.result(60)
        database.write(ended_at_first).result(60)
        assert (database.read(count), len(attempts)) == (61, 2)
        database.close()


def test_a_database_that_stays_away_is_an_error_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_PATIENCE_SECONDS", 0.3)
    with PostgresServer() as server:
        database = Database(server.url())
        server.kill()
        with pytest.raises(DatabaseError, match="cannot be used"):
            database.write(count).result(60)
        with pytest.raises(DatabaseError, match="cannot be used"):
            database.read(count)
        server.start()
        assert database.read(lambda connection: connection.execute(text("SELECT 1")).scalar()) == 1
        database.close()


def test_a_key_of_a_namespace_that_cannot_be_looked_up_now_is_not_a_fault_of_the_manager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database_module, "_PATIENCE_SECONDS", 0.3)
    with PostgresServer() as server, serving(server.url()) as manager:
        made = Api(manager.uri, manager.key)("POST", "/v1/keys", {"name": "k", "namespaces": ["demo"]})
        server.kill()
        asking = {"nodes": ["Node"], "batch_size": 1}
        answer = Api(manager.uri, made.body["key"])("POST", f"{BASE}/states/enqueue", asking)
        assert (answer.status, answer.body) == (503, {"detail": "The database cannot be used now"})
        server.start()


def test_more_readers_than_connections_wait_for_one_another(postgres: PostgresServer) -> None:
    database = Database(postgres.url())

    def slow(connection: Connection) -> int:
        return int(connection.execute(text("SELECT 1 FROM pg_sleep(0.02)")).scalar_one())

    with ThreadPoolExecutor(60) as pool:
        assert list(pool.map(database.read, [slow] * 120)) == [1] * 120
    database.close()


def test_no_connection_within_reason_is_an_error_of_the_database(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_PATIENCE_SECONDS", 0)
    database = Database(postgres.url())
    pool = database._backend.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.01)
    monkeypatch.setattr(pool, "_max_overflow", 0)
    taken = [database._backend.engine.connect() for _ in range(pool.size())]  # type: ignore[attr-defined]
    with pytest.raises(DatabaseError, match="QueuePool limit"):
        database.read(lambda _connection: None)
    for connection in taken:
        connection.close()
    database.close()
