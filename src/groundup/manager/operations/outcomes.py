"""What workers report about node states, and retries by hand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from groundup.manager.engine import transitions
from groundup.manager.engine.claims import Admission, Claim, Outcome, OutcomeKind, admit, recorded
from groundup.manager.engine.model import Effects, Flow, NodeState
from groundup.manager.engine.retry import LONGEST
from groundup.manager.errors import ConflictError, NotFoundError
from groundup.manager.operations.context import Session
from groundup.manager.store import nodes, runs, states
from groundup.manager.store.view import RunView
from groundup.nodes.wire import (
    ErroredRequest,
    ExecutedRequest,
    ManualRetryRequest,
    PruneRequest,
    ReEnqueueAfterRequest,
    StateStatus,
)

logger = logging.getLogger(__name__)

Answer = dict[str, Any]
Transition = Callable[[Flow, NodeState, RunView], Effects]


class Report:
    """An outcome together with the transition that it asks for."""

    def __init__(self, kind: OutcomeKind, request: BaseModel, transition: Transition) -> None:
        self.outcome = Outcome.of(kind, request.model_dump(mode="json"))
        self.request = request
        self.transition = transition


def executed_report(session: Session, request: ExecutedRequest) -> Report:
    """The node ran."""

    def transition(flow: Flow, state: NodeState, view: RunView) -> Effects:
        return transitions.executed(flow, state, request.outputs, view, session.tools)

    return Report(OutcomeKind.EXECUTED, request, transition)


def errored_report(session: Session, request: ErroredRequest) -> Report:
    """The node failed."""
    message = request.error.replace("\0", "\N{REPLACEMENT CHARACTER}")  # databases end text at NUL

    def transition(flow: Flow, state: NodeState, view: RunView) -> Effects:
        return transitions.errored(flow, state, message, view, session.tools)

    return Report(OutcomeKind.ERRORED, request, transition)


def pruned_report(session: Session, request: PruneRequest) -> Report:
    """The node ended its branch."""

    def transition(flow: Flow, state: NodeState, view: RunView) -> Effects:
        return transitions.pruned(flow, state, request.data, view, session.tools)

    return Report(OutcomeKind.PRUNED, request, transition)


def requeued_report(session: Session, request: ReEnqueueAfterRequest) -> Report:
    """The node asked to run again later."""

    def transition(_flow: Flow, state: NodeState, _view: RunView) -> Effects:
        return transitions.requeued(state, request.enqueue_after, session.tools)

    return Report(OutcomeKind.REQUEUED, request, transition)


def executed(session: Session, namespace: str, state_id: str, request: ExecutedRequest) -> Answer:
    """Record that the node ran."""
    return record(session, namespace, state_id, executed_report(session, request))


def errored(session: Session, namespace: str, state_id: str, request: ErroredRequest) -> Answer:
    """Record that the node failed."""
    return record(session, namespace, state_id, errored_report(session, request))


def pruned(session: Session, namespace: str, state_id: str, request: PruneRequest) -> Answer:
    """Record that the node ended its branch."""
    return record(session, namespace, state_id, pruned_report(session, request))


def requeued(session: Session, namespace: str, state_id: str, request: ReEnqueueAfterRequest) -> Answer:
    """Record that the node asked to run again later."""
    return record(session, namespace, state_id, requeued_report(session, request))


def manual_retry(session: Session, namespace: str, state_id: str, request: ManualRetryRequest) -> Answer:
    """A person wants a node state again.

    :raises ConflictError: when it has not ended, or was retried under this token before.
    """
    state = states.find(session.connection, Claim.parse(state_id).state_id)
    if state is None or session.flow(state.flow_version).namespace != namespace:
        raise NotFoundError("State not found")
    session.hold_run(state)
    if states.manual_retry_exists(session.connection, state, request.fanout_id):
        raise ConflictError("Duplicate retry state detected")
    effects = transitions.retried_by_hand(state, request.fanout_id, session.tools)
    states.apply(session.connection, state, effects)
    runs.set_cancelled(session.connection, state.run_id, None)
    return effects.answer


def secrets_of(session: Session, namespace: str, state_id: str) -> dict[str, str]:
    """The secrets that the node of a node state declares, in clear."""
    state = _find(session, namespace, Claim.parse(state_id))
    place = (state.namespace, state.node_name)
    node = nodes.registry(session.connection, [place]).get(place)
    encrypted = session.flow(state.flow_version).document.secrets
    names = [] if node is None else node.secrets
    return {name: session.context.cipher.decrypt(encrypted[name]) for name in names if name in encrypted}


def _find(session: Session, namespace: str, claim: Claim) -> NodeState:
    state = states.find(session.connection, claim.state_id)
    if state is None or state.namespace != namespace:
        raise NotFoundError("State not found")
    return state


def record(session: Session, namespace: str, state_id: str, report: Report) -> Answer:
    """Carry out what a report asks for, once."""
    claim = Claim.parse(state_id)
    state = _find(session, namespace, claim)
    admission = admit(state, claim, report.outcome)
    if admission is Admission.REPEAT and state.outcome is not None:
        return dict(state.outcome["answer"])
    if admission is Admission.STALE:
        logger.warning("late answer %s about node state %s ignored", report.outcome.kind.value, state.id)
        return _stale_answer(session, state, report.request)
    session.hold_run(state)
    effects = effects_of(session, claim, state, report)
    states.apply(session.connection, state, effects)
    return effects.answer


def effects_of(session: Session, claim: Claim, state: NodeState, report: Report) -> Effects:
    """What an accepted report does, its answer kept for a repeat."""
    effects = report.transition(session.flow(state.flow_version), state, RunView(session.connection))
    effects.state = replace(effects.state, outcome=recorded(claim, report.outcome, effects.answer))
    return effects


def _stale_answer(session: Session, state: NodeState, request: BaseModel) -> Answer:
    if isinstance(request, ReEnqueueAfterRequest):
        due = min(session.now + request.enqueue_after, LONGEST)
        return {"enqueue_after": due, "status": StateStatus.CREATED}
    return {"enqueue_after": state.enqueue_after, "status": StateStatus.PRUNED}
