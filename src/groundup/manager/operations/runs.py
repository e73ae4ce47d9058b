"""Runs as a whole: cancelling, retrying, listing; flows that are no more."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from groundup.manager.clock import milliseconds, moment
from groundup.manager.engine import transitions
from groundup.manager.engine.claims import Claim
from groundup.manager.errors import ConflictError, NotFoundError
from groundup.manager.operations.context import Session
from groundup.manager.store import flows, listing, runs, states, triggers
from groundup.nodes.wire import FAILED, StateStatus, extensions, run_status

CANCELLED = "The run was cancelled"


def cancel(session: Session, namespace: str, run_id: str) -> extensions.CancelResponse:
    """End a run: what waits or is executed becomes ERRORED, nothing follows.

    :raises ConflictError: when the run ended by itself.
    """
    run = _run(session, namespace, run_id)
    runs.lock(session.connection, run_id, alone=True)
    ended = states.end_unfinished(session.connection, run_id, CANCELLED, session.now)
    if not ended and run.cancelled_at is None:
        raise ConflictError("Run has ended", hint="a run that has ended cannot be cancelled")
    if ended:
        runs.set_cancelled(session.connection, run_id, session.now)
    return extensions.CancelResponse(run_id=run_id, cancelled=ended)


def retry_failed(
    session: Session, namespace: str, run_id: str, request: extensions.RetryFailedRequest
) -> extensions.RetryFailedResponse:
    """Run every node state of a run that failed again, with all its attempts.

    :raises ConflictError: when that was done under this token before.
    """
    _run(session, namespace, run_id)
    runs.lock(session.connection, run_id, alone=True)
    if states.manual_token_exists(session.connection, run_id, f"{request.fanout_id}:"):
        raise ConflictError("Duplicate retry state detected")
    created = []
    for state in states.with_statuses(session.connection, run_id, FAILED):
        token = f"{request.fanout_id}:{state.id}"
        effects = transitions.retried_by_hand(state, token, session.tools)
        states.apply(session.connection, state, effects)
        created += [new.id for new in effects.created]
    runs.set_cancelled(session.connection, run_id, None)
    return extensions.RetryFailedResponse(run_id=run_id, created=created)


def delete_flow(session: Session, namespace: str, name: str) -> extensions.DeletedFlow:
    """Remove a flow with its triggers; its runs go on.

    :raises NotFoundError: when there is none.
    """
    flow = flows.number(session.connection, namespace, name)
    if flow is None:
        raise NotFoundError(f"Graph template {name} not found in namespace {namespace}")
    triggers.remove(session.connection, triggers.of_flow(session.connection, flow))
    flows.remove(session.connection, flow)
    return extensions.DeletedFlow(graph_name=name)


def get_run(session: Session, namespace: str, run_id: str) -> extensions.RunInfo:
    """One run.

    :raises NotFoundError: when there is none in this namespace.
    """
    row = _run(session, namespace, run_id)
    return _run_info(row, runs.summaries(session.connection, [run_id])[run_id])


def list_runs(session: Session, namespace: str, wanted: extensions.RunFilter) -> extensions.RunPage:
    """Runs that fit, the newest first."""
    criteria = listing.RunCriteria(
        namespace=namespace,
        flow_name=wanted.graph_name,
        status=wanted.status,
        since=None if wanted.created_after is None else milliseconds(wanted.created_after),
        until=None if wanted.created_before is None else milliseconds(wanted.created_before),
        before=wanted.before,
        limit=wanted.limit,
    )
    rows = listing.runs_page(session.connection, criteria)
    counts = runs.summaries(session.connection, [row.id for row in rows])
    found = [_run_info(row, counts[row.id]) for row in rows]
    return extensions.RunPage(runs=found, next=_next(rows, wanted.limit))


def list_states(session: Session, namespace: str, wanted: extensions.StateFilter) -> extensions.StatePage:
    """Node states of the runs of a namespace that fit, the newest first."""
    criteria = listing.StateCriteria(
        namespace=namespace,
        run_id=wanted.run_id,
        statuses=wanted.status,
        node_name=wanted.node_name,
        identifier=wanted.identifier,
        before=wanted.before,
        limit=wanted.limit,
    )
    rows = listing.states_page(session.connection, criteria)
    found = [extensions.StateSummary(**_summary(row)) for row in rows]
    return extensions.StatePage(states=found, next=_next(rows, wanted.limit))


def get_state(session: Session, namespace: str, state_id: str) -> extensions.StateInfo:
    """Everything about a node state of a run of this namespace.

    :raises NotFoundError: when there is none.
    """
    row = listing.state(session.connection, namespace, Claim.parse(state_id).state_id)
    if row is None:
        raise NotFoundError("State not found")
    return extensions.StateInfo(
        **_summary(row),
        inputs=row.inputs,
        outputs=row.outputs,
        data=row.data,
        parents=row.parents,
        claims=row.claims,
        timeout=row.timeout,
        deadline=None if row.deadline is None else moment(row.deadline),
    )


def status_of(counts: dict[StateStatus, int], cancelled_at: int | None) -> extensions.RunState:
    """The status of a run."""
    status = extensions.RunState(run_status(counts))
    cancelled = cancelled_at is not None and status is extensions.RunState.FAILED
    return extensions.RunState.CANCELLED if cancelled else status


def _run(session: Session, namespace: str, run_id: str) -> Row[Any]:
    row = runs.find(session.connection, namespace, run_id)
    if row is None:
        raise NotFoundError("Run not found")
    return row


def _next(rows: list[Row[Any]], limit: int) -> int | None:
    return rows[-1].seq if len(rows) == limit else None


def _run_info(row: Row[Any], counts: dict[StateStatus, int]) -> extensions.RunInfo:
    return extensions.RunInfo(
        run_id=row.id,
        graph_name=row.flow_name,
        status=status_of(counts, row.cancelled_at),
        counts=counts,
        trigger_id=row.trigger_id,
        created_at=moment(row.created_at),
        cancelled_at=None if row.cancelled_at is None else moment(row.cancelled_at),
    )


def _summary(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "run_id": row.run_id,
        "graph_name": row.flow_name,
        "namespace": row.namespace,
        "node_name": row.node_name,
        "identifier": row.identifier,
        "status": row.status,
        "error": row.error,
        "retry_count": row.retry_count,
        "enqueue_after": moment(row.enqueue_after),
        "lease_until": None if row.lease_until is None else moment(row.lease_until),
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }
