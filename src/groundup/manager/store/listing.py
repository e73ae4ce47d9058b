"""Pages of runs and node states, by what they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, select, true

from groundup.manager.store.schema import node_states, runs
from groundup.nodes.wire import FAILED, UNFINISHED, StateStatus
from groundup.nodes.wire import extensions as wire


@dataclass(frozen=True, slots=True)
class RunCriteria:
    """Which runs: None fits all; times in milliseconds; only those older than number ``before``."""

    namespace: str
    flow_name: str | None
    status: wire.RunState | None
    since: int | None
    until: int | None
    before: int | None
    limit: int


@dataclass(frozen=True, slots=True)
class StateCriteria:
    """Which node states: None and nothing fit all; only those older than number ``before``."""

    namespace: str
    run_id: str | None
    statuses: Sequence[StateStatus]
    node_name: str | None
    identifier: str | None
    before: int | None
    limit: int


def runs_page(connection: Connection, criteria: RunCriteria) -> list[Row[Any]]:
    """Runs that fit, the newest first."""
    query = select(runs).where(runs.c.namespace == criteria.namespace, _of_status(criteria.status))
    if criteria.flow_name is not None:
        query = query.where(runs.c.flow_name == criteria.flow_name)
    if criteria.since is not None:
        query = query.where(runs.c.created_at >= criteria.since)
    if criteria.until is not None:
        query = query.where(runs.c.created_at < criteria.until)
    if criteria.before is not None:
        query = query.where(runs.c.seq < criteria.before)
    return list(connection.execute(query.order_by(runs.c.seq.desc()).limit(criteria.limit)))


def _of_status(status: wire.RunState | None) -> ColumnElement[bool]:
    unfinished, failed = _some(UNFINISHED), _some(FAILED)
    match status:
        case wire.RunState.PENDING:
            return unfinished
        case wire.RunState.SUCCESS:
            return ~unfinished & ~failed & exists().where(node_states.c.run_id == runs.c.id)
        case wire.RunState.FAILED:
            return ~unfinished & failed & runs.c.cancelled_at.is_(None)
        case wire.RunState.CANCELLED:
            return ~unfinished & failed & runs.c.cancelled_at.is_not(None)
    return true()


def _some(statuses: frozenset[StateStatus]) -> ColumnElement[bool]:
    return exists().where(
        node_states.c.run_id == runs.c.id,
        node_states.c.status.in_(sorted(status.value for status in statuses)),
    )


def states_page(connection: Connection, criteria: StateCriteria) -> list[Row[Any]]:
    """Node states that fit, the newest first."""
    query = _states_of(criteria.namespace)
    wanted = {
        "run_id": criteria.run_id,
        "node_name": criteria.node_name,
        "identifier": criteria.identifier,
    }
    for name, value in wanted.items():
        query = query if value is None else query.where(node_states.c[name] == value)
    if criteria.statuses:
        query = query.where(node_states.c.status.in_([status.value for status in criteria.statuses]))
    if criteria.before is not None:
        query = query.where(node_states.c.seq < criteria.before)
    return list(connection.execute(query.order_by(node_states.c.seq.desc()).limit(criteria.limit)))


def changed_states(connection: Connection, run_id: str, since: int) -> list[Row[Any]]:
    """Node states of a run that changed at ``since`` or later, as they are now, in order of change."""
    columns = ("id", "node_name", "identifier", "status", "error", "updated_at")
    query = select(*(node_states.c[name] for name in columns)).where(
        node_states.c.run_id == run_id, node_states.c.updated_at >= since
    )
    return list(connection.execute(query.order_by(node_states.c.updated_at, node_states.c.seq)))


def state(connection: Connection, namespace: str, state_id: str) -> Row[Any] | None:
    """A node state of a run of ``namespace``."""
    query = _states_of(namespace).where(node_states.c.id == state_id)
    return connection.execute(query).one_or_none()


def _states_of(namespace: str) -> Select[Any]:
    query = select(node_states, runs.c.flow_name).join(runs, runs.c.id == node_states.c.run_id)
    return query.where(runs.c.namespace == namespace)
