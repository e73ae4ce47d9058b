"""Many outcomes in few statements, as far as each stands for itself."""

from __future__ import annotations

from collections.abc import Sequence

from groundup.manager.engine.claims import Admission, Claim, admit
from groundup.manager.engine.model import NodeState, Tools
from groundup.manager.errors import RejectedError
from groundup.manager.operations import outcomes
from groundup.manager.operations.context import Session
from groundup.manager.operations.outcomes import Answer, Report
from groundup.manager.store import runs, states
from groundup.manager.store.view import RunView
from groundup.nodes.wire import extensions


def record_plain(
    session: Session, namespace: str, items: Sequence[extensions.AnyOutcome]
) -> list[Answer | None]:
    """Record the outcomes that are plain; gives their answers, and None for those to record one by one.

    Plain is the first outcome of a node state under a claim that holds, in a flow without joins.
    """
    claims = [Claim.parse(item.state_id) for item in items]
    found = states.find_all(session.connection, (claim.state_id for claim in claims))
    tools = session.tools
    plain: dict[str, tuple[Claim, Report]] = {}
    for claim, item in zip(claims, items, strict=True):
        state, report = found.get(claim.state_id), report_of(tools, item)
        if claim.state_id not in plain and _is_plain(session, namespace, state, claim, report):
            plain[claim.state_id] = (claim, report)
    runs.lock_together(session.connection, (found[state_id].run_id for state_id in plain))
    view = _view(session, [found[state_id] for state_id in plain])
    changes = {
        state_id: (found[state_id], outcomes.effects_of(session, claim, found[state_id], report, view))
        for state_id, (claim, report) in plain.items()
    }
    states.apply_all(session.connection, list(changes.values()))
    answers = {state_id: effects.answer for state_id, (_, effects) in changes.items()}
    return [answers.pop(claim.state_id, None) for claim in claims]


def _view(session: Session, changing: Sequence[NodeState]) -> RunView:
    """Answers what the engine asks; outputs that what follows may want are read together."""
    wanted = {
        parent
        for state in changing
        if session.flow(state.flow_version).nodes[state.identifier].next_nodes
        for parent in state.parents.values()
    }
    view = RunView(session.connection)
    view.prepare(wanted)
    return view


def record_one(session: Session, namespace: str, item: extensions.AnyOutcome) -> Answer:
    """Record an outcome, whatever it is."""
    return outcomes.record(session, namespace, item.state_id, report_of(session.tools, item))


def report_of(tools: Tools, item: extensions.AnyOutcome) -> Report:
    """The report that an outcome is by itself."""
    match item:
        case extensions.ExecutedOutcome():
            return outcomes.executed_report(tools, item.outputs)
        case extensions.ErroredOutcome():
            return outcomes.errored_report(tools, item.error)
        case extensions.PrunedOutcome():
            return outcomes.pruned_report(tools, item.data)
        case extensions.RequeuedOutcome():
            return outcomes.requeued_report(tools, item.enqueue_after)


def _is_plain(
    session: Session, namespace: str, state: NodeState | None, claim: Claim, report: Report
) -> bool:
    if state is None or state.namespace != namespace or session.flow(state.flow_version).joins:
        return False
    try:
        return admit(state, claim, report.outcome) is Admission.ACCEPT
    except RejectedError:
        return False
