"""The schema: brought forward from every earlier version, what is newer is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from groundup.manager.errors import DatabaseError
from groundup.manager.operations import reports
from groundup.manager.store import migrations
from groundup.manager.store.address import backend_of
from groundup.manager.store.database import Database
from groundup.manager.store.schema import metadata
from tests.support.manager import NAMESPACE, Bench

FIRST_DATA = (
    """INSERT INTO registered_nodes VALUES (1, 'n1', 'demo', 'Node', 'rt', '{{}}', '{{}}', '[]', 1, 1)""",
    """INSERT INTO flows VALUES (1, 'f1', 'demo', 'flow', NULL, 1)""",
    """INSERT INTO flow_versions (seq, flow, document, errors, created_at)
        VALUES (1, 1, '{document}', '[]', 1)""",
    """UPDATE flows SET version = 1""",
    """INSERT INTO runs (seq, id, namespace, flow_name, flow_version, created_at)
        VALUES (1, 'r1', 'demo', 'flow', 1, 1)""",
    """INSERT INTO node_states (seq, id, run_id, flow_version, namespace, node_name, identifier, status,
        inputs, outputs, parents, joins, through, fanout, enqueue_after, retry_count, claims, created_at,
        updated_at)
        VALUES (1, '{state}', 'r1', 1, 'demo', 'Node', 'a', 'CREATED', '{{}}', '{{}}', '{{}}', '{{}}', '[]',
        '{state}', 1, 0, 0, 1, 1)""",
)
"""A run that waits, as the first version kept it."""

STATE = "0" * 24
DOCUMENT = (
    '{"nodes": [{"node_name": "Node", "namespace": "demo", "identifier": "a", "inputs": {},'
    ' "next_nodes": ["b"], "unites": null}, {"node_name": "Node", "namespace": "demo", "identifier": "b",'
    ' "inputs": {}, "next_nodes": [], "unites": null}], "secrets": {}}'
)


@contextmanager
def plain(address: Path | str) -> Iterator[Connection]:
    """A connection that knows nothing of migrations."""
    engine = backend_of(address).engine
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def make_version(address: Path | str, version: int) -> None:
    """A database as it was at `version`, with a run in it."""
    with plain(address) as connection:
        migrations.migrate(connection, version)
        for statement in FIRST_DATA:
            values = {"document": DOCUMENT, "state": STATE}
            connection.exec_driver_sql(statement.format(**values))
        if connection.dialect.name == "postgresql":  # numbers given by hand are not counted there
            connection.exec_driver_sql("ALTER TABLE node_states ALTER COLUMN seq RESTART WITH 2")


@pytest.mark.parametrize("version", range(1, len(migrations.MIGRATIONS) + 1))
def test_what_an_earlier_version_kept_goes_on(address: Path | str, version: int) -> None:
    make_version(address, version)
    bench = Bench(address)
    assert bench.run_all() == 2
    assert bench.statuses("r1") == [("a", "SUCCESS"), ("b", "SUCCESS")]
    assert bench.do(reports.list_runs, NAMESPACE, 1, 10).total == 1
    bench.database.close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(address: Path | str) -> None:
    Database(address).close()
    with plain(address) as connection:
        connection.execute(text("INSERT INTO schema_migrations VALUES (999, 0)"))
    with pytest.raises(DatabaseError, match="schema version 999, this version of groundup knows") as caught:
        Database(address)
    assert "newer" in caught.value.hint


def test_migrations_run_once(address: Path | str) -> None:
    for _ in range(2):
        database = Database(address)
        applied = database.read(migrations.current_version)
        database.close()
        assert applied == len(migrations.MIGRATIONS)


def test_a_migration_that_fails_leaves_nothing(address: Path | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (("CREATE TABLE half (n INTEGER)", "nonsense"),))
    with pytest.raises(DatabaseError, match="cannot be used"):
        Database(address)
    with plain(address) as connection:
        assert inspect(connection).get_table_names() == []


def test_the_migrated_schema_has_the_columns_that_the_statements_use(address: Path | str) -> None:
    Database(address).close()
    with plain(address) as connection:
        seen = inspect(connection)
        found = {name: {column["name"] for column in seen.get_columns(name)} for name in metadata.tables}
    assert found == {
        name: {column.name for column in table.columns} for name, table in metadata.tables.items()
    }
