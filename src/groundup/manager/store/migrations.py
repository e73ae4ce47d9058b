"""Numbered migrations of the schema, applied forward when the database is opened.

A migration that was released never changes; a new one is added. ``{serial}`` is the dialect's way to number
rows.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from groundup.manager.clock import now_ms
from groundup.manager.errors import DatabaseError

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE registered_nodes (
            seq {serial}, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, name TEXT NOT NULL,
            runtime_name TEXT NOT NULL, inputs_schema TEXT NOT NULL, outputs_schema TEXT NOT NULL,
            secrets TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
            UNIQUE (namespace, name))""",
        """CREATE TABLE flows (
            seq {serial}, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, name TEXT NOT NULL,
            version BIGINT, created_at BIGINT NOT NULL, UNIQUE (namespace, name))""",
        """CREATE TABLE flow_versions (
            seq {serial}, flow BIGINT NOT NULL REFERENCES flows (seq), document TEXT NOT NULL,
            errors TEXT NOT NULL, created_at BIGINT NOT NULL)""",
        "CREATE INDEX flow_versions_of_flow ON flow_versions (flow)",
        """CREATE TABLE runs (
            seq {serial}, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL, flow_name TEXT NOT NULL,
            flow_version BIGINT NOT NULL REFERENCES flow_versions (seq), created_at BIGINT NOT NULL)""",
        "CREATE INDEX runs_of_namespace ON runs (namespace, seq)",
        "CREATE INDEX runs_of_version ON runs (flow_version)",
        """CREATE TABLE store_values (
            run_id TEXT NOT NULL REFERENCES runs (id), key TEXT NOT NULL, value TEXT NOT NULL,
            PRIMARY KEY (run_id, key))""",
        """CREATE TABLE node_states (
            seq {serial}, id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL REFERENCES runs (id),
            flow_version BIGINT NOT NULL, namespace TEXT NOT NULL, node_name TEXT NOT NULL,
            identifier TEXT NOT NULL, status TEXT NOT NULL, inputs TEXT NOT NULL, outputs TEXT NOT NULL,
            data TEXT, error TEXT, parents TEXT NOT NULL, joins TEXT NOT NULL, through TEXT NOT NULL,
            join_key TEXT, fanout TEXT NOT NULL, enqueue_after BIGINT NOT NULL, retry_count INTEGER NOT NULL,
            manual_token TEXT, claims INTEGER NOT NULL, token TEXT, lease_until BIGINT, outcome TEXT,
            created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)""",
        """CREATE INDEX node_states_claimable ON node_states (namespace, node_name, enqueue_after, seq)
            WHERE status = 'CREATED'""",
        "CREATE INDEX node_states_leased ON node_states (lease_until) WHERE status = 'QUEUED'",
        "CREATE INDEX node_states_of_run ON node_states (run_id, status)",
        """CREATE UNIQUE INDEX node_states_joined_once ON node_states (run_id, join_key)
            WHERE join_key IS NOT NULL""",
        """CREATE UNIQUE INDEX node_states_retried_once ON node_states (run_id, identifier, manual_token)
            WHERE manual_token IS NOT NULL""",
        """CREATE TABLE group_members (
            group_id TEXT NOT NULL, state_id TEXT NOT NULL REFERENCES node_states (id),
            PRIMARY KEY (group_id, state_id))""",
    ),
    (
        "ALTER TABLE node_states ADD COLUMN timeout BIGINT",
        "ALTER TABLE node_states ADD COLUMN deadline BIGINT",
        "ALTER TABLE flow_versions ADD COLUMN key_id TEXT",
        "ALTER TABLE runs ADD COLUMN trigger_id TEXT",
        "ALTER TABLE runs ADD COLUMN cancelled_at BIGINT",
        "CREATE INDEX runs_of_flow ON runs (namespace, flow_name, seq)",
        "CREATE INDEX runs_by_age ON runs (created_at)",
        "CREATE INDEX group_members_of_state ON group_members (state_id)",
        """CREATE TABLE triggers (
            seq {serial}, id TEXT NOT NULL UNIQUE, flow BIGINT NOT NULL REFERENCES flows (seq),
            namespace TEXT NOT NULL, flow_name TEXT NOT NULL, digest TEXT NOT NULL, definition TEXT NOT NULL,
            paused INTEGER NOT NULL, next_at BIGINT NOT NULL, created_at BIGINT NOT NULL,
            UNIQUE (flow, digest))""",
        "CREATE INDEX triggers_due ON triggers (next_at) WHERE paused = 0",
        "CREATE INDEX triggers_of_namespace ON triggers (namespace, flow_name)",
        """CREATE TABLE ticks (
            seq {serial}, trigger_id TEXT NOT NULL REFERENCES triggers (id), due_at BIGINT NOT NULL,
            status TEXT NOT NULL, run_id TEXT, error TEXT, created_at BIGINT NOT NULL,
            UNIQUE (trigger_id, due_at))""",
        "CREATE INDEX ticks_waiting ON ticks (trigger_id, seq) WHERE status = 'WAITING'",
        "CREATE INDEX ticks_by_age ON ticks (created_at)",
        """CREATE TABLE api_keys (
            seq {serial}, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, namespaces TEXT NOT NULL,
            digest TEXT NOT NULL UNIQUE, created_at BIGINT NOT NULL)""",
    ),
    (
        # without the status, so that neither claims nor outcomes have to change it
        "DROP INDEX node_states_of_run",
        "CREATE INDEX node_states_of_run ON node_states (run_id)",
    ),
)

_SERIAL = {
    "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "postgresql": "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
}

_LOCK = 0x67726E64  # any number that nobody else uses


def migrate(connection: Connection, upto: int | None = None) -> None:
    """Bring the schema forward, in the transaction of ``connection``.

    :param upto: number of the last migration to apply; default: the newest.
    :raises DatabaseError: when the database was written by a newer version.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")  # one manager at a time
    version = current_version(connection)
    if version > len(MIGRATIONS):
        raise DatabaseError(
            f"the database has schema version {version}, this version of groundup knows {len(MIGRATIONS)}",
            hint="use the version of groundup that wrote it, or a newer one",
        )
    for number, statements in enumerate(MIGRATIONS[version:upto], start=version + 1):
        for statement in statements:
            connection.exec_driver_sql(statement.format(serial=_SERIAL[connection.dialect.name]))
        connection.execute(
            text("INSERT INTO schema_migrations (number, applied_at) VALUES (:number, :applied_at)"),
            {"number": number, "applied_at": now_ms()},
        )


def current_version(connection: Connection) -> int:
    """Number of the last migration that was applied."""
    if not inspect(connection).has_table("schema_migrations"):
        connection.exec_driver_sql(
            "CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, applied_at BIGINT NOT NULL)"
        )
    newest = connection.exec_driver_sql("SELECT max(number) FROM schema_migrations").scalar()
    return int(newest or 0)
