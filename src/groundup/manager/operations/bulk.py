"""Many outcomes in few statements, as far as each stands for itself."""

from __future__ import annotations

from collections.abc import Sequence

from groundup.manager.engine.claims import Admission, Claim, admit
from groundup.manager.engine.model import NodeState
from groundup.manager.errors import RejectedError
from groundup.manager.operations import outcomes
from groundup.manager.operations.context import Session
from groundup.manager.operations.outcomes import Answer, Report
from groundup.manager.store import runs, states
from groundup.nodes.wire import (
    ErroredRequest,
    ExecutedRequest,
    PruneRequest,
    ReEnqueueAfterRequest,
    extensions,
)


def record_plain(
    session: Session, namespace: str, items: Sequence[extensions.AnyOutcome]
) -> list[Answer | None]:
    """Record the outcomes that are plain; gives their answers, and None for those to record one by one.

    Plain is the first outcome of a node state under a claim that holds, in a flow without joins.
    """
    claims = [Claim.parse(item.state_id) for item in items]
    found = states.find_all(session.connection, (claim.state_id for claim in claims))
    plain: dict[str, tuple[Claim, Report]] = {}
    for claim, item in zip(claims, items, strict=True):
        state, report = found.get(claim.state_id), report_of(session, item)
        if claim.state_id not in plain and _is_plain(session, namespace, state, claim, report):
            plain[claim.state_id] = (claim, report)
    runs.lock_together(session.connection, (found[state_id].run_id for state_id in plain))
    changes = {
        state_id: (found[state_id], outcomes.effects_of(session, claim, found[state_id], report))
        for state_id, (claim, report) in plain.items()
    }
    states.apply_all(session.connection, list(changes.values()))
    answers = {state_id: effects.answer for state_id, (_, effects) in changes.items()}
    return [answers.pop(claim.state_id, None) for claim in claims]


def record_one(session: Session, namespace: str, item: extensions.AnyOutcome) -> Answer:
    """Record an outcome, whatever it is."""
    return outcomes.record(session, namespace, item.state_id, report_of(session, item))


def report_of(session: Session, item: extensions.AnyOutcome) -> Report:
    """The report that an outcome is by itself."""
    match item:
        case extensions.ExecutedOutcome():
            return outcomes.executed_report(session, ExecutedRequest(outputs=item.outputs))
        case extensions.ErroredOutcome():
            return outcomes.errored_report(session, ErroredRequest(error=item.error))
        case extensions.PrunedOutcome():
            return outcomes.pruned_report(session, PruneRequest(data=item.data))
        case extensions.RequeuedOutcome():
            return outcomes.requeued_report(session, ReEnqueueAfterRequest(enqueue_after=item.enqueue_after))


def _is_plain(
    session: Session, namespace: str, state: NodeState | None, claim: Claim, report: Report
) -> bool:
    if state is None or state.namespace != namespace or session.flow(state.flow_version).joins:
        return False
    try:
        return admit(state, claim, report.outcome) is Admission.ACCEPT
    except RejectedError:
        return False
