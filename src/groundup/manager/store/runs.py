"""Runs, their stores, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, insert, select, update

from groundup.manager.engine.model import Flow
from groundup.manager.store.schema import node_states, runs, store_values
from groundup.nodes.wire import UNFINISHED, StateStatus

_ADD = insert(runs)
_ADD_VALUE = insert(store_values)
_VALUES = select(store_values.c.key, store_values.c.value).where(
    store_values.c.run_id == bindparam("wanted_run")
)


@dataclass(frozen=True, slots=True)
class Start:
    """How a run begins: the values of its store, and the cron trigger that began it."""

    store: Mapping[str, str]
    trigger_id: str | None = None


def create(connection: Connection, run_id: str, flow: Flow, start: Start, now: int) -> None:
    """Add a run of ``flow``."""
    values = {
        "id": run_id,
        "namespace": flow.namespace,
        "flow_name": flow.name,
        "flow_version": flow.version,
        "trigger_id": start.trigger_id,
        "created_at": now,
    }
    connection.execute(_ADD, values)
    if start.store:
        rows = [{"run_id": run_id, "key": key, "value": value} for key, value in start.store.items()]
        connection.execute(_ADD_VALUE, rows)


_WHOLE = select(runs.c.seq).where(runs.c.id == bindparam("wanted_run")).with_for_update()
_SHARED = (
    select(runs.c.seq).where(runs.c.id == bindparam("wanted_run")).with_for_update(read=True, key_share=True)
)


def lock(connection: Connection, run_id: str, *, alone: bool) -> None:
    """Hold a run to the end of the transaction: alone, or together with others that do not hold it alone.

    What decides by several node states of a run holds it alone; what changes one node state and what
    follows from it, together with others. SQLite has one writer at a time and needs no locks.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_WHOLE if alone else _SHARED, {"wanted_run": run_id}).all()


_SHARED_BY_MANY = (
    select(runs.c.seq)
    .where(runs.c.id.in_(bindparam("wanted_runs", expanding=True)))
    .order_by(runs.c.seq)
    .with_for_update(read=True, key_share=True)
)


def lock_together(connection: Connection, run_ids: Iterable[str]) -> None:
    """As :func:`lock` for several runs, none of them alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(_SHARED_BY_MANY, {"wanted_runs": sorted(set(run_ids))}).all()


def find(connection: Connection, namespace: str, run_id: str) -> Row[Any] | None:
    """A run of ``namespace``."""
    query = select(runs).where(runs.c.id == run_id, runs.c.namespace == namespace)
    return connection.execute(query).one_or_none()


def set_cancelled(connection: Connection, run_id: str, when: int | None) -> None:
    """Note when a run was cancelled, or that it goes on."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(cancelled_at=when))


def set_values(connection: Connection, run_id: str, values: Mapping[str, str | None]) -> None:
    """Set values of the store of a run; None removes one."""
    here = (store_values.c.run_id == run_id) & store_values.c.key.in_(list(values))
    connection.execute(delete(store_values).where(here))
    rows = [
        {"run_id": run_id, "key": key, "value": value} for key, value in values.items() if value is not None
    ]
    if rows:
        connection.execute(_ADD_VALUE, rows)


def stored_values(connection: Connection, run_id: str) -> dict[str, str]:
    """The store of a run."""
    return {row.key: row.value for row in connection.execute(_VALUES, {"wanted_run": run_id})}


def count(connection: Connection, namespace: str) -> int:
    """How many runs ``namespace`` has."""
    query = select(func.count()).select_from(runs).where(runs.c.namespace == namespace)
    return connection.execute(query).scalar_one()


def page(connection: Connection, namespace: str, skip: int, limit: int) -> Sequence[Row[Any]]:
    """Runs of ``namespace``, the newest first."""
    query = select(runs).where(runs.c.namespace == namespace).order_by(runs.c.seq.desc())
    return connection.execute(query.offset(skip).limit(limit)).all()


def is_unfinished(connection: Connection, run_id: str) -> bool:
    """Whether node states of a run wait or are executed."""
    waiting = (node_states.c.run_id == run_id) & node_states.c.status.in_(sorted(UNFINISHED))
    return bool(connection.execute(select(exists().where(waiting))).scalar())


def summaries(connection: Connection, run_ids: Iterable[str]) -> dict[str, dict[StateStatus, int]]:
    """How many node states each run has in each status."""
    found: dict[str, dict[StateStatus, int]] = {run_id: {} for run_id in run_ids}
    query = (
        select(node_states.c.run_id, node_states.c.status, func.count().label("number"))
        .where(node_states.c.run_id.in_(list(found)))
        .group_by(node_states.c.run_id, node_states.c.status)
    )
    for row in connection.execute(query):
        found[row.run_id][StateStatus(row.status)] = row.number
    return found


def states(connection: Connection, run_id: str) -> Sequence[Row[Any]]:
    """The node states of a run in the order of their creation."""
    query = select(node_states).where(node_states.c.run_id == run_id).order_by(node_states.c.seq)
    return connection.execute(query).all()
