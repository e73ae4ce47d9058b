"""Digests of API keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from groundup.manager.store.schema import api_keys as table


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add a key."""
    connection.execute(insert(table).values(dict(values)))


def find(connection: Connection, digest: str) -> Row[Any] | None:
    """The key with this digest."""
    return connection.execute(select(table).where(table.c.digest == digest)).one_or_none()


def all_keys(connection: Connection) -> Sequence[Row[Any]]:
    """Keys in the order of their creation."""
    return connection.execute(select(table).order_by(table.c.seq)).all()


def remove(connection: Connection, key_id: str) -> bool:
    """Remove a key; false when there is none."""
    return connection.execute(delete(table).where(table.c.id == key_id)).rowcount == 1
