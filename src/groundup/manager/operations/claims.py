"""Handing node states to workers: claims, their leases, and what becomes of those that run out."""

from __future__ import annotations

import logging
from collections.abc import Set
from typing import Any

from groundup.manager.clock import iso
from groundup.manager.engine import transitions
from groundup.manager.engine.claims import Claim
from groundup.manager.engine.model import NodeState
from groundup.manager.engine.retry import LONGEST
from groundup.manager.errors import ChangedMeanwhileError
from groundup.manager.operations.context import Session
from groundup.manager.store import states
from groundup.manager.store.json_text import decode
from groundup.manager.store.view import RunView
from groundup.nodes.wire import (
    EnqueueRequest,
    EnqueueResponse,
    LeasesRequest,
    LeasesResponse,
    StateStatus,
)

logger = logging.getLogger(__name__)

_LEASE_LOST = "The worker stopped answering before the lease of its claim ran out"
_EXPIRED_AT_ONCE = 500


def enqueue(session: Session, namespace: str, request: EnqueueRequest) -> EnqueueResponse:
    """Claim node states that are due, the longest first."""
    settings = session.context.settings
    demand = states.Demand(
        namespace=namespace,
        names=request.nodes,
        limit=min(request.batch_size, settings.largest_batch),
        lease=min(request.lease or settings.default_lease, LONGEST),
    )
    found = states.claim(session.connection, demand, session.now)
    answer = {
        "count": len(found),
        "namespace": namespace,
        "status": StateStatus.QUEUED,
        "states": [_told(session, state, context=request.context) for state in found],
    }
    return EnqueueResponse.model_validate(answer)  # all at once: one by one takes several times as long


def _told(session: Session, state: states.Claimed, *, context: bool) -> dict[str, Any]:
    return {
        "state_id": f"{state.id}.{state.token}",
        "node_name": state.node_name,
        "identifier": state.identifier,
        "inputs": decode(state.inputs),
        "created_at": iso(state.created_at),
        "context": _context(session, state) if context else None,
    }


def _context(session: Session, state: states.Claimed) -> dict[str, Any]:
    flow = session.flow(state.flow_version)
    return {
        "namespace": flow.namespace,
        "graph_name": flow.name,
        "run_id": state.run_id,
        "attempt": state.retry_count + 1,
        "timeout": state.timeout,
    }


def renew(session: Session, request: LeasesRequest, among: Set[str] | None = None) -> LeasesResponse:
    """Prolong claims from now on; where ``among`` is given, those of nodes of these namespaces."""
    until = session.now + min(request.lease, LONGEST)
    return _sorted_out(request, states.renew(session.connection, _open(session, request, among), until))


def release(session: Session, request: LeasesRequest, among: Set[str] | None = None) -> LeasesResponse:
    """Take claims back that a worker did not use, as :func:`renew`; no attempt is counted."""
    opened = _open(session, request, among)
    return _sorted_out(request, states.release(session.connection, opened, session.now))


def _open(session: Session, request: LeasesRequest, among: Set[str] | None) -> list[str]:
    if among is None:
        return request.state_ids
    ids = {text: Claim.parse(text).state_id for text in request.state_ids}
    found = states.find_all(session.connection, ids.values())
    return [text for text, each in ids.items() if each in found and found[each].namespace in among]


def _sorted_out(request: LeasesRequest, held: Set[str]) -> LeasesResponse:
    return LeasesResponse(
        held=[text for text in request.state_ids if text in held],
        lost=[text for text in request.state_ids if text not in held],
    )


def sweep(session: Session) -> int:
    """As :func:`expire`, but for claims that nobody could renew because this manager was away."""
    presence = session.context.presence
    presence.look(session.now)
    return expire(session, presence.spared(session.now, session.context.settings.grace))


def expire(session: Session, spared: int = 0) -> int:
    """Put node states whose lease ran out back under the retry policy; gives their number.

    :param spared: claims that were made before this moment stay.
    """
    lost = states.overdue(session.connection, session.now, spared, _EXPIRED_AT_ONCE)
    return sum(_expire_one(session, state) for state in lost)


def _reason(session: Session, state: NodeState) -> str:
    if state.deadline is not None and state.deadline < session.now:
        return f"The node took longer than its time-out of {state.timeout} ms"
    return _LEASE_LOST


def _expire_one(session: Session, state: NodeState) -> bool:
    """Put one back; false when another manager did, or its outcome came at the last moment."""
    session.hold_run(state)
    view = RunView(session.connection)
    flow = session.flow(state.flow_version)
    effects = transitions.errored(flow, state, _reason(session, state), view, session.tools)
    try:
        states.apply(session.connection, state, effects)
    except ChangedMeanwhileError:
        return False
    logger.warning("the lease of node state %s (%s) ran out", state.id, state.node_name)
    return True
