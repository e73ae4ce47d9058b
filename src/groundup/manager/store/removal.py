"""Removing runs with all that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, select

from groundup.manager.store import flows
from groundup.manager.store.schema import flow_versions, group_members, node_states, runs, store_values
from groundup.manager.store.schema import flows as flow_table
from groundup.nodes.wire import UNFINISHED


def finished_runs(connection: Connection, before: int, most: int) -> int:
    """Remove up to ``most`` runs that ended before this moment in milliseconds; gives their number."""
    finished = _finished(before)
    chosen = finished.order_by(runs.c.created_at).limit(most).with_for_update(skip_locked=True, of=runs)
    held = [row.id for row in connection.execute(chosen)]
    # asked again now that nobody else can change them: one may have been retried a moment before
    rows = connection.execute(finished.where(runs.c.id.in_(held))).all() if held else []
    remove_runs(connection, [row.id for row in rows])
    _remove_versions(connection, {row.flow_version for row in rows})
    return len(rows)


def _finished(before: int) -> Select[Any]:
    here = node_states.c.run_id == runs.c.id
    unfinished = exists().where(here, node_states.c.status.in_(sorted(UNFINISHED)))
    changed_later = exists().where(here, node_states.c.updated_at >= before)
    wanted = (runs.c.created_at < before) & ~unfinished & ~changed_later
    return select(runs.c.id, runs.c.flow_version).where(wanted)


def remove_runs(connection: Connection, run_ids: Sequence[str]) -> None:
    """Remove these runs."""
    if not run_ids:
        return
    states = select(node_states.c.id).where(node_states.c.run_id.in_(run_ids))
    connection.execute(delete(group_members).where(group_members.c.state_id.in_(states)))
    for table, column in ((node_states, "run_id"), (store_values, "run_id"), (runs, "id")):
        connection.execute(delete(table).where(table.c[column].in_(run_ids)))


def _remove_versions(connection: Connection, versions: set[int]) -> None:
    """Remove those of the versions that are neither the newest nor used any more, and flows without any."""
    query = (
        select(flow_table.c.seq, flow_table.c.version)
        .join(flow_versions, flow_versions.c.flow == flow_table.c.seq)
        .where(flow_versions.c.seq.in_(versions))
        .distinct()
    )
    for row in connection.execute(query).all() if versions else ():
        flows.remove_unused_versions(connection, row.seq, row.version)
        if row.version is None:
            flows.remove_without_versions(connection, row.seq)
