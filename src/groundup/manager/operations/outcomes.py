"""What workers report about node states, and retries by hand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from groundup.manager.engine import transitions
from groundup.manager.engine.claims import Admission, Claim, Outcome, OutcomeKind, admit, recorded
from groundup.manager.engine.model import Effects, Flow, NodeState, Tools
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


@dataclass(frozen=True, slots=True)
class Report:
    """An outcome together with the transition that it asks for.

    :param delay: after how many milliseconds it shall run again, where that is asked for.
    """

    outcome: Outcome
    transition: Transition
    delay: int | None = None


def executed_report(tools: Tools, outputs: list[dict[str, Any]]) -> Report:
    """The node ran."""

    def transition(flow: Flow, state: NodeState, view: RunView) -> Effects:
        return transitions.executed(flow, state, outputs, view, tools)

    return Report(Outcome.of(OutcomeKind.EXECUTED, {"outputs": outputs}), transition)


def errored_report(tools: Tools, error: str) -> Report:
    """The node failed."""
    message = error.replace("\0", "\N{REPLACEMENT CHARACTER}")  # databases end text at NUL

    def transition(flow: Flow, state: NodeState, view: RunView) -> Effects:
        return transitions.errored(flow, state, message, view, tools)

    return Report(Outcome.of(OutcomeKind.ERRORED, {"error": error}), transition)


def pruned_report(tools: Tools, data: dict[str, Any]) -> Report:
    """The node ended its branch."""

    def transition(flow: Flow, state: NodeState, view: RunView) -> Effects:
        return transitions.pruned(flow, state, data, view, tools)

    return Report(Outcome.of(OutcomeKind.PRUNED, {"data": data}), transition)


def requeued_report(tools: Tools, delay: int) -> Report:
    """The node asked to run again after ``delay`` milliseconds."""

    def transition(_flow: Flow, state: NodeState, _view: RunView) -> Effects:
        return transitions.requeued(state, delay, tools)

    return Report(Outcome.of(OutcomeKind.REQUEUED, {"enqueue_after": delay}), transition, delay)


def executed(session: Session, namespace: str, state_id: str, request: ExecutedRequest) -> Answer:
    """Record that the node ran."""
    return record(session, namespace, state_id, executed_report(session.tools, request.outputs))


def errored(session: Session, namespace: str, state_id: str, request: ErroredRequest) -> Answer:
    """Record that the node failed."""
    return record(session, namespace, state_id, errored_report(session.tools, request.error))


def pruned(session: Session, namespace: str, state_id: str, request: PruneRequest) -> Answer:
    """Record that the node ended its branch."""
    return record(session, namespace, state_id, pruned_report(session.tools, request.data))


def requeued(session: Session, namespace: str, state_id: str, request: ReEnqueueAfterRequest) -> Answer:
    """Record that the node asked to run again later."""
    return record(session, namespace, state_id, requeued_report(session.tools, request.enqueue_after))


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
        return _stale_answer(session, state, report.delay)
    session.hold_run(state)
    effects = effects_of(session, claim, state, report, RunView(session.connection))
    states.apply(session.connection, state, effects)
    return effects.answer


def effects_of(session: Session, claim: Claim, state: NodeState, report: Report, view: RunView) -> Effects:
    """What an accepted report does, its answer kept for a repeat."""
    effects = report.transition(session.flow(state.flow_version), state, view)
    effects.state = effects.state.but(outcome=recorded(claim, report.outcome, effects.answer))
    return effects


def _stale_answer(session: Session, state: NodeState, delay: int | None) -> Answer:
    if delay is not None:
        return {"enqueue_after": min(session.now + delay, LONGEST), "status": StateStatus.CREATED}
    return {"enqueue_after": state.enqueue_after, "status": StateStatus.PRUNED}
