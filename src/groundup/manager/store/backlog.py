"""How much waits: counted to a limit, and found by index, so that looking costs little."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal_column, select

from groundup.manager.store.schema import node_states, registered_nodes

_MOST = 10_000

# As literals, so that the planner may use the partial indexes. What is always true of an index's first column
# lets it take the index, and read nothing of what has ended.
_IS_CREATED = (node_states.c.status == literal_column("'CREATED'")) & (node_states.c.namespace >= "")
_IS_QUEUED = (node_states.c.status == literal_column("'QUEUED'")) & (node_states.c.lease_until >= 0)

_first_of_node = (
    select(node_states.c.enqueue_after)
    .where(
        _IS_CREATED,
        node_states.c.namespace == registered_nodes.c.namespace,
        node_states.c.node_name == registered_nodes.c.name,
    )
    .order_by(node_states.c.enqueue_after)
    .limit(1)
    .scalar_subquery()
)
OLDEST = select(func.min(_first_of_node)).select_from(registered_nodes)


def _count_of(condition: ColumnElement[bool]) -> Select[Any]:
    limited = select(literal_column("1")).select_from(node_states).where(condition).limit(_MOST).subquery()
    return select(func.count()).select_from(limited)


COUNT_DUE = _count_of(_IS_CREATED & (node_states.c.enqueue_after <= bindparam("now")))
COUNT_CLAIMED = _count_of(_IS_QUEUED)


def oldest_due(connection: Connection) -> int | None:
    """When the first node state that waits for a registered node was or is due; None when none waits."""
    found: int | None = connection.execute(OLDEST).scalar_one()
    return found


def count_due(connection: Connection, now: int) -> int:
    """How many wait that are due, counted up to 10,000."""
    return int(connection.execute(COUNT_DUE, {"now": now}).scalar_one())


def count_claimed(connection: Connection) -> int:
    """How many are handed out, counted up to 10,000."""
    return int(connection.execute(COUNT_CLAIMED).scalar_one())
