"""Registered nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, tuple_, update

from groundup.manager.clock import new_state_id
from groundup.manager.store.schema import registered_nodes as table
from groundup.nodes.wire import NodeRegistration


def register(connection: Connection, namespace: str, runtime: str, node: NodeRegistration, now: int) -> None:
    """Add the node, or replace what was registered under its name."""
    values = {
        "runtime_name": runtime,
        "inputs_schema": node.inputs_schema,
        "outputs_schema": node.outputs_schema,
        "secrets": node.secrets,
        "updated_at": now,
    }
    place = (table.c.namespace == namespace) & (table.c.name == node.name)
    if connection.execute(update(table).where(place).values(values)).rowcount == 0:
        new = {"id": new_state_id(), "namespace": namespace, "name": node.name, "created_at": now}
        connection.execute(insert(table).values({**values, **new}))


def in_namespace(connection: Connection, namespace: str) -> Sequence[Row[Any]]:
    """Rows of the nodes of ``namespace`` in the order of their first registration."""
    query = select(table).where(table.c.namespace == namespace).order_by(table.c.seq)
    return connection.execute(query).all()


def namespaces(connection: Connection) -> list[str]:
    """Namespaces that have nodes, sorted."""
    query = select(table.c.namespace).distinct().order_by(table.c.namespace)
    return list(connection.execute(query).scalars())


def registry(
    connection: Connection, places: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], NodeRegistration]:
    """The registered ones among ``places``, which are (namespace, name)."""
    query = select(table).where(tuple_(table.c.namespace, table.c.name).in_(list(places)))
    return {
        (row.namespace, row.name): NodeRegistration(
            name=row.name,
            inputs_schema=row.inputs_schema,
            outputs_schema=row.outputs_schema,
            secrets=row.secrets,
        )
        for row in connection.execute(query)
    }
