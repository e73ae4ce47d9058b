"""Cron triggers: starting runs when their time has come, listing and pausing them."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Row

from groundup.manager.clock import moment
from groundup.manager.engine.schedule import Schedule
from groundup.manager.errors import ManagerError, NotFoundError
from groundup.manager.operations import flows
from groundup.manager.operations.context import Session
from groundup.manager.store import runs
from groundup.manager.store import triggers as store
from groundup.manager.store.triggers import Tick, TickStatus
from groundup.nodes.wire import CronTrigger, MissedEnum, OverlapEnum, TriggerRequest, extensions

logger = logging.getLogger(__name__)

_TAKEN_AT_ONCE = 50
_MOST_WAITING = 1000
_SHOWN_TICKS = 100


def start_due(session: Session) -> int:
    """Start the runs whose time has come; gives how many times were taken."""
    return sum(_take(session, row) for row in store.due(session.connection, session.now, _TAKEN_AT_ONCE))


def start_waiting(session: Session) -> int:
    """Start runs that waited for the end of another; gives how many."""
    waiting = store.waiting(session.connection, _TAKEN_AT_ONCE)
    return sum(_start_first_waiting(session, trigger_id) for trigger_id in waiting)


def _take(session: Session, row: Row[Any]) -> int:
    trigger = CronTrigger.model_validate(row.definition)
    plan = Schedule(trigger).plan(row.next_at, session.now, trigger.missed or MissedEnum.LATEST)
    for due_at in plan.due:
        store.record(session.connection, row.id, _tick(session, row, trigger, due_at), session.now)
    store.wait_for(session.connection, row.id, plan.next_at)
    return len(plan.due)


def _tick(session: Session, row: Row[Any], trigger: CronTrigger, due_at: int) -> Tick:
    """What becomes of one time."""
    overlap = trigger.overlap or OverlapEnum.ALLOW
    if overlap is not OverlapEnum.ALLOW and _is_busy(session, row.id):
        return Tick(due_at, _put_off(session, row.id, overlap))
    return _start(session, row, trigger, due_at)


def _put_off(session: Session, trigger_id: str, overlap: OverlapEnum) -> TickStatus:
    full = store.count_waiting(session.connection, trigger_id) >= _MOST_WAITING
    return TickStatus.SKIPPED if overlap is OverlapEnum.SKIP or full else TickStatus.WAITING


def _is_busy(session: Session, trigger_id: str) -> bool:
    """Whether a run of the trigger has not ended, or another time waits for that."""
    last = store.last_run(session.connection, trigger_id)
    running = last is not None and runs.is_unfinished(session.connection, last)
    return running or store.first_waiting(session.connection, trigger_id) is not None


def _start(session: Session, row: Row[Any], trigger: CronTrigger, due_at: int) -> Tick:
    request = TriggerRequest(inputs=trigger.inputs or {}, store=trigger.store or {})
    try:
        response = flows.trigger(session, row.namespace, row.flow_name, request, row.id)
    except ManagerError as error:
        logger.warning("trigger %s of flow %s/%s failed: %s", row.id, row.namespace, row.flow_name, error)
        return Tick(due_at, TickStatus.FAILED, error=str(error))
    return Tick(due_at, TickStatus.TRIGGERED, response.run_id)


def _start_first_waiting(session: Session, trigger_id: str) -> bool:
    row = store.hold(session.connection, trigger_id)
    last = store.last_run(session.connection, trigger_id)
    if row is None or (last is not None and runs.is_unfinished(session.connection, last)):
        return False
    waiting = store.first_waiting(session.connection, trigger_id)
    if waiting is None:
        return False
    tick = _start(session, row, CronTrigger.model_validate(row.definition), waiting.due_at)
    store.settle(session.connection, waiting.seq, tick)
    return True


def list_triggers(session: Session, namespace: str, graph_name: str | None) -> extensions.TriggerList:
    """The triggers of a namespace, or of one of its flows."""
    rows = store.in_namespace(session.connection, namespace, graph_name)
    return extensions.TriggerList(triggers=[extensions.TriggerInfo(**_info(row)) for row in rows])


def get_trigger(session: Session, namespace: str, trigger_id: str) -> extensions.TriggerDetails:
    """A trigger with its last times.

    :raises NotFoundError: when there is none in this namespace.
    """
    row = _find(session, namespace, trigger_id)
    ticks = [
        extensions.TriggerTick(
            due_at=moment(tick.due_at), status=tick.status, run_id=tick.run_id, error=tick.error
        )
        for tick in store.latest_ticks(session.connection, trigger_id, _SHOWN_TICKS)
    ]
    return extensions.TriggerDetails(**_info(row), ticks=ticks)


def pause(session: Session, namespace: str, trigger_id: str, *, paused: bool) -> extensions.TriggerDetails:
    """Let a trigger rest, or go on; times that pass meanwhile do not count.

    :raises NotFoundError: when there is none in this namespace.
    """
    row = _find(session, namespace, trigger_id)
    store.pause(session.connection, trigger_id, paused=paused)
    if row.paused and not paused:
        schedule = Schedule(CronTrigger.model_validate(row.definition))
        coming = schedule.plan(row.next_at, session.now, MissedEnum.NONE).next_at
        store.wait_for(session.connection, trigger_id, coming)
    return get_trigger(session, namespace, trigger_id)


def _find(session: Session, namespace: str, trigger_id: str) -> Row[Any]:
    row = store.find(session.connection, namespace, trigger_id)
    if row is None:
        raise NotFoundError("Trigger not found")
    return row


def _info(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "graph_name": row.flow_name,
        "trigger": row.definition,
        "paused": bool(row.paused),
        "next_at": moment(row.next_at),
        "created_at": moment(row.created_at),
    }
