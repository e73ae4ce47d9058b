"""The tables as SQLAlchemy sees them; :mod:`~groundup.manager.store.migrations` makes them.

Times are milliseconds since the epoch. JSON stands in text columns, so that SQLite and PostgreSQL agree.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeDecorator

from groundup.manager.store.json_text import decode, encode

metadata = MetaData()


class Json(TypeDecorator[Any]):
    """A JSON value in a text column."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        """To text."""
        return None if value is None else encode(value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        """From text."""
        return None if value is None else decode(value)


registered_nodes = Table(
    "registered_nodes",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("id", String, nullable=False),
    Column("namespace", String, nullable=False),
    Column("name", String, nullable=False),
    Column("runtime_name", String, nullable=False),
    Column("inputs_schema", Json, nullable=False),
    Column("outputs_schema", Json, nullable=False),
    Column("secrets", Json, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

flows = Table(
    "flows",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("id", String, nullable=False),
    Column("namespace", String, nullable=False),
    Column("name", String, nullable=False),
    Column("version", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)

flow_versions = Table(
    "flow_versions",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("flow", BigInteger, nullable=False),
    Column("document", Json, nullable=False),
    Column("errors", Json, nullable=False),
    Column("key_id", String),
    Column("created_at", BigInteger, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("id", String, nullable=False),
    Column("namespace", String, nullable=False),
    Column("flow_name", String, nullable=False),
    Column("flow_version", BigInteger, nullable=False),
    Column("trigger_id", String),
    Column("cancelled_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)

store_values = Table(
    "store_values",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

node_states = Table(
    "node_states",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("id", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("flow_version", BigInteger, nullable=False),
    Column("namespace", String, nullable=False),
    Column("node_name", String, nullable=False),
    Column("identifier", String, nullable=False),
    Column("status", String, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("outputs", Json, nullable=False),
    Column("data", Json),
    Column("error", Text),
    Column("parents", Json, nullable=False),
    Column("joins", Json, nullable=False),
    Column("through", Json, nullable=False),
    Column("join_key", String),
    Column("fanout", String, nullable=False),
    Column("enqueue_after", BigInteger, nullable=False),
    Column("retry_count", Integer, nullable=False),
    Column("manual_token", String),
    Column("claims", Integer, nullable=False),
    Column("token", String),
    Column("lease_until", BigInteger),
    Column("outcome", Json),
    Column("timeout", BigInteger),
    Column("deadline", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

group_members = Table(
    "group_members",
    metadata,
    Column("group_id", String, primary_key=True),
    Column("state_id", String, primary_key=True),
)

triggers = Table(
    "triggers",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("id", String, nullable=False),
    Column("flow", BigInteger, nullable=False),
    Column("namespace", String, nullable=False),
    Column("flow_name", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("definition", Json, nullable=False),
    Column("paused", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

ticks = Table(
    "ticks",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("trigger_id", String, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("status", String, nullable=False),
    Column("run_id", String),
    Column("error", Text),
    Column("created_at", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("namespaces", Json, nullable=False),
    Column("digest", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
