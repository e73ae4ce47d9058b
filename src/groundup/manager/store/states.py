"""Node states: claims, leases, transitions."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, exists, func, insert, literal_column, select, union_all, update

from groundup.manager.engine.model import Effects, NodeState
from groundup.manager.errors import ConflictError
from groundup.manager.store import runs
from groundup.manager.store.schema import group_members, node_states
from groundup.nodes.wire import StateStatus

# As literals, so that the planner may use the partial indexes.
_IS_CREATED = node_states.c.status == literal_column("'CREATED'")
_IS_QUEUED = node_states.c.status == literal_column("'QUEUED'")

_SAME_NAMES = (
    "id",
    "run_id",
    "flow_version",
    "namespace",
    "node_name",
    "identifier",
    "inputs",
    "outputs",
    "data",
    "error",
    "parents",
    "joins",
    "join_key",
    "enqueue_after",
    "retry_count",
    "manual_token",
    "claims",
    "token",
    "outcome",
    "created_at",
    "updated_at",
)


def find(connection: Connection, state_id: str) -> NodeState | None:
    """The node state with this id."""
    row = connection.execute(select(node_states).where(node_states.c.id == state_id)).one_or_none()
    return None if row is None else _state(row)


def _state(row: Row[Any]) -> NodeState:
    same = {name: getattr(row, name) for name in _SAME_NAMES}
    return NodeState(**same, status=StateStatus(row.status), group=row.fanout)


def _values(state: NodeState) -> dict[str, Any]:
    same = {name: getattr(state, name) for name in _SAME_NAMES}
    return {**same, "status": state.status.value, "fanout": state.group}


def add(connection: Connection, states: Sequence[NodeState]) -> None:
    """Insert node states and note the groups that they belong to."""
    if not states:
        return
    connection.execute(insert(node_states), [_values(state) for state in states])
    members = [
        {"group_id": group, "state_id": state.id} for state in states for group in set(state.joins.values())
    ]
    if members:
        connection.execute(insert(group_members), members)


def apply(connection: Connection, before: NodeState, effects: Effects) -> None:
    """Write what a transition did, provided that the node state is still as it was.

    :raises ConflictError: when another transition came first.
    """
    after = effects.state
    unchanged = (
        (node_states.c.id == before.id)
        & (node_states.c.status == before.status.value)
        & (node_states.c.claims == before.claims)
    )
    changed = {
        "status": after.status.value,
        "outputs": after.outputs,
        "data": after.data,
        "error": after.error,
        "enqueue_after": after.enqueue_after,
        "lease_until": None,
        "outcome": after.outcome,
        "updated_at": after.updated_at,
    }
    if connection.execute(update(node_states).where(unchanged).values(changed)).rowcount != 1:
        raise ConflictError(f"node state {before.id} changed meanwhile", hint="try again")
    add(connection, effects.created)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a worker can take: up to ``limit`` node states of these nodes, held for ``lease`` milliseconds."""

    namespace: str
    names: Sequence[str]
    limit: int
    lease: int


def claim(connection: Connection, demand: Demand, now: int) -> list[NodeState]:
    """Claim what is due, the longest first; the token of the claim stands in each node state."""
    if demand.limit <= 0 or not demand.names:
        return []
    due = [_due(demand, name, now) for name in dict.fromkeys(demand.names)]
    candidates = union_all(*(select(query.subquery()) for query in due)).subquery()
    order = (candidates.c.enqueue_after, candidates.c.seq)
    chosen = select(candidates.c.seq).order_by(*order).limit(demand.limit)
    values = {
        "status": StateStatus.QUEUED.value,
        "token": secrets.token_hex(8),
        "claims": node_states.c.claims + 1,
        "lease_until": now + demand.lease,
        "updated_at": now,
    }
    statement = update(node_states).where(_IS_CREATED, node_states.c.seq.in_(chosen)).values(values)
    rows = connection.execute(statement.returning(node_states)).all()
    rows = sorted(rows, key=lambda row: (row.enqueue_after, row.seq))
    return [_state(row) for row in rows]


def _due(demand: Demand, name: str, now: int) -> Any:
    return (
        select(node_states.c.seq, node_states.c.enqueue_after)
        .where(
            _IS_CREATED,
            node_states.c.namespace == demand.namespace,
            node_states.c.node_name == name,
            node_states.c.enqueue_after <= now,
        )
        .order_by(node_states.c.enqueue_after, node_states.c.seq)
        .limit(demand.limit)
    )


def next_due(connection: Connection, namespace: str, names: Sequence[str]) -> int | None:
    """When the next node state for these nodes is due."""
    query = select(func.min(node_states.c.enqueue_after)).where(
        _IS_CREATED, node_states.c.namespace == namespace, node_states.c.node_name.in_(names)
    )
    return connection.execute(query).scalar()


def renew(connection: Connection, state_id: str, token: str, lease_until: int) -> bool:
    """Prolong a claim; false when it no longer holds."""
    held = (node_states.c.id == state_id) & _IS_QUEUED & (node_states.c.token == token)
    return connection.execute(update(node_states).where(held).values(lease_until=lease_until)).rowcount == 1


def release(connection: Connection, state_id: str, token: str, now: int) -> bool:
    """Give a claim back unused; false when it no longer holds."""
    held = (node_states.c.id == state_id) & _IS_QUEUED & (node_states.c.token == token)
    values = {"status": StateStatus.CREATED.value, "lease_until": None, "updated_at": now}
    return connection.execute(update(node_states).where(held).values(values)).rowcount == 1


def overdue(connection: Connection, now: int, limit: int) -> list[NodeState]:
    """Node states whose lease ran out, the longest first."""
    query = (
        select(node_states)
        .where(_IS_QUEUED, node_states.c.lease_until < now)
        .order_by(node_states.c.lease_until)
        .limit(limit)
    )
    return [_state(row) for row in connection.execute(query)]


def manual_retry_exists(connection: Connection, state: NodeState, token: str) -> bool:
    """Whether a node state was retried by hand under ``token`` before."""
    found = (
        (node_states.c.run_id == state.run_id)
        & (node_states.c.identifier == state.identifier)
        & (node_states.c.manual_token == token)
    )
    return bool(connection.execute(select(exists().where(found))).scalar())


class RunView:
    """What the engine asks about a run, answered within the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def outputs(self, state_ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """Outputs of node states, by id."""
        query = select(node_states.c.id, node_states.c.outputs).where(node_states.c.id.in_(list(state_ids)))
        return {row.id: row.outputs for row in self._connection.execute(query)}

    def store_values(self, run_id: str) -> Mapping[str, str]:
        """The store of the run."""
        return runs.stored_values(self._connection, run_id)

    def state(self, state_id: str) -> NodeState:
        """One node state, which must exist."""
        row = self._connection.execute(select(node_states).where(node_states.c.id == state_id)).one()
        return _state(row)

    def group_counts(self, group: str) -> dict[tuple[str, StateStatus], int]:
        """Node states of ``group`` by identifier and status."""
        query = (
            select(node_states.c.identifier, node_states.c.status, func.count().label("number"))
            .join(group_members, group_members.c.state_id == node_states.c.id)
            .where(group_members.c.group_id == group)
            .group_by(node_states.c.identifier, node_states.c.status)
        )
        rows = self._connection.execute(query)
        return {(row.identifier, StateStatus(row.status)): row.number for row in rows}

    def join_exists(self, run_id: str, join_key: str) -> bool:
        """Whether the join was created before."""
        found = (node_states.c.run_id == run_id) & (node_states.c.join_key == join_key)
        return bool(self._connection.execute(select(exists().where(found))).scalar())
