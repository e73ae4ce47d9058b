"""Cron triggers, and the times at which they were due.

A time is taken in the transaction that starts its run and moves the trigger on; the row of the trigger is
locked meanwhile, so every time is taken once, by however many managers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from groundup.manager.clock import new_state_id
from groundup.manager.store.schema import ticks, triggers
from groundup.nodes.wire import CronTrigger


class TickStatus(StrEnum):
    """What became of a time of a trigger."""

    TRIGGERED = "TRIGGERED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    WAITING = "WAITING"


@dataclass(frozen=True, slots=True)
class Owner:
    """The flow of a trigger."""

    flow: int
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A time of a trigger and what became of it."""

    due_at: int
    status: TickStatus
    run_id: str | None = None
    error: str | None = None


def keep(connection: Connection, owner: Owner, wanted: Iterable[tuple[CronTrigger, int]], now: int) -> None:
    """Let the flow have these triggers, each with its first time; those that it had already go on."""
    new = {_digest(trigger): (trigger, next_at) for trigger, next_at in wanted}
    query = select(triggers.c.digest, triggers.c.id).where(triggers.c.flow == owner.flow)
    known = {row.digest: row.id for row in connection.execute(query)}
    remove(connection, [known[digest] for digest in known.keys() - new.keys()])
    for digest, (trigger, next_at) in new.items():
        if digest not in known:
            connection.execute(_ADD, _values(owner, trigger, next_at, now) | {"digest": digest})


def remove(connection: Connection, ids: Sequence[str]) -> None:
    """Remove triggers and the record of their times."""
    if ids:
        connection.execute(delete(ticks).where(ticks.c.trigger_id.in_(ids)))
        connection.execute(delete(triggers).where(triggers.c.id.in_(ids)))


def _digest(trigger: CronTrigger) -> str:
    return hashlib.sha256(trigger.model_dump_json().encode()).hexdigest()[:32]


_ADD = insert(triggers)


def _values(owner: Owner, trigger: CronTrigger, next_at: int, now: int) -> dict[str, Any]:
    return {
        "id": new_state_id(),
        "flow": owner.flow,
        "namespace": owner.namespace,
        "flow_name": owner.name,
        "definition": trigger.model_dump(mode="json"),
        "paused": 0,
        "next_at": next_at,
        "created_at": now,
    }


_DUE = (
    select(triggers)
    .where(triggers.c.paused == 0, triggers.c.next_at <= bindparam("now"))
    .order_by(triggers.c.next_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def due(connection: Connection, now: int, most: int) -> Sequence[Row[Any]]:
    """Triggers whose time has come; nobody else gets them until the end of the transaction."""
    return connection.execute(_DUE, {"now": now, "most": most}).all()


def hold(connection: Connection, trigger_id: str) -> Row[Any] | None:
    """A trigger that nobody else gets until the end of the transaction; None when somebody else has it."""
    query = select(triggers).where(triggers.c.id == trigger_id).with_for_update(skip_locked=True)
    return connection.execute(query).one_or_none()


def wait_for(connection: Connection, trigger_id: str, next_at: int) -> None:
    """Set the next time of a trigger."""
    connection.execute(update(triggers).where(triggers.c.id == trigger_id).values(next_at=next_at))


def record(connection: Connection, trigger_id: str, tick: Tick, now: int) -> None:
    """Note what became of a time."""
    values = {
        "trigger_id": trigger_id,
        "due_at": tick.due_at,
        "status": tick.status.value,
        "run_id": tick.run_id,
        "error": tick.error,
        "created_at": now,
    }
    connection.execute(insert(ticks).values(values))


def settle(connection: Connection, seq: int, tick: Tick) -> None:
    """Note what became of a time that waited."""
    values = {"status": tick.status.value, "run_id": tick.run_id, "error": tick.error}
    connection.execute(update(ticks).where(ticks.c.seq == seq).values(values))


def waiting(connection: Connection, most: int) -> list[str]:
    """Triggers with times that wait for the end of a run."""
    query = select(ticks.c.trigger_id).where(ticks.c.status == TickStatus.WAITING.value).distinct()
    return list(connection.execute(query.limit(most)).scalars())


def first_waiting(connection: Connection, trigger_id: str) -> Row[Any] | None:
    """The earliest time of a trigger that waits."""
    here = (ticks.c.trigger_id == trigger_id) & (ticks.c.status == TickStatus.WAITING.value)
    return connection.execute(select(ticks).where(here).order_by(ticks.c.seq).limit(1)).one_or_none()


def count_waiting(connection: Connection, trigger_id: str) -> int:
    """How many times of a trigger wait."""
    here = (ticks.c.trigger_id == trigger_id) & (ticks.c.status == TickStatus.WAITING.value)
    return connection.execute(select(func.count()).select_from(ticks).where(here)).scalar_one()


def last_run(connection: Connection, trigger_id: str) -> str | None:
    """The run that the trigger started last."""
    here = (ticks.c.trigger_id == trigger_id) & ticks.c.run_id.is_not(None)
    return connection.execute(
        select(ticks.c.run_id).where(here).order_by(ticks.c.seq.desc()).limit(1)
    ).scalar()


def in_namespace(connection: Connection, namespace: str, flow_name: str | None) -> Sequence[Row[Any]]:
    """The triggers of a namespace, or of one of its flows, in the order of their creation."""
    query = select(triggers).where(triggers.c.namespace == namespace).order_by(triggers.c.seq)
    if flow_name is not None:
        query = query.where(triggers.c.flow_name == flow_name)
    return connection.execute(query).all()


def find(connection: Connection, namespace: str, trigger_id: str) -> Row[Any] | None:
    """A trigger of a namespace."""
    here = (triggers.c.namespace == namespace) & (triggers.c.id == trigger_id)
    return connection.execute(select(triggers).where(here)).one_or_none()


def of_flow(connection: Connection, flow: int) -> list[str]:
    """The triggers of a flow."""
    return list(connection.execute(select(triggers.c.id).where(triggers.c.flow == flow)).scalars())


def pause(connection: Connection, trigger_id: str, *, paused: bool) -> None:
    """Let a trigger rest, or go on."""
    values = {"paused": int(paused)}
    connection.execute(update(triggers).where(triggers.c.id == trigger_id).values(values))


def latest_ticks(connection: Connection, trigger_id: str, most: int) -> Sequence[Row[Any]]:
    """What became of the last times of a trigger, the newest first."""
    query = select(ticks).where(ticks.c.trigger_id == trigger_id).order_by(ticks.c.seq.desc()).limit(most)
    return connection.execute(query).all()


def forget(connection: Connection, before: int, most: int) -> int:
    """Remove the record of times that are long over; gives their number."""
    old = (ticks.c.created_at < before) & (ticks.c.status != TickStatus.WAITING.value)
    chosen = select(ticks.c.seq).where(old).order_by(ticks.c.created_at).limit(most)
    return connection.execute(delete(ticks).where(ticks.c.seq.in_(chosen))).rowcount
