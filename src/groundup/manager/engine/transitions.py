"""What follows from the outcome of a node state: next node states, retries, joins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from groundup.manager.engine import joins, retry
from groundup.manager.engine.model import Effects, Flow, NodeState, Tools, View
from groundup.manager.engine.placeholders import PlaceholderError
from groundup.manager.engine.resolution import follows, inputs_of, lineage_outputs
from groundup.manager.engine.retry import LONGEST
from groundup.manager.errors import ConflictError
from groundup.nodes.wire import UNFINISHED, NodeTemplate, StateStatus


def executed(
    flow: Flow, state: NodeState, outputs: Sequence[dict[str, Any]], view: View, tools: Tools
) -> Effects:
    """The node ran: its outputs are kept, every further one as a sibling, and what is next is created."""
    first, *others = outputs or [{}]
    done = state.but(status=StateStatus.SUCCESS, outputs=first, error=None, updated_at=tools.now)
    siblings = [_sibling(done, output, tools) for output in others]
    effects = Effects(done, answer={"status": StateStatus.EXECUTED})
    try:
        following = list(_following(flow, [done, *siblings], view, tools))
    except PlaceholderError as error:
        effects.state, *effects.created = [_failed(member, str(error)) for member in [done, *siblings]]
        return _with_joins(flow, effects, view, tools)
    effects.created = [*siblings, *following]
    return _with_joins(flow, effects, view, tools)


def errored(flow: Flow, state: NodeState, message: str, view: View, tools: Tools) -> Effects:
    """The node failed: it is tried again while the retry policy allows."""
    policy = flow.retry_policy(state.identifier)
    failed = state.but(error=message, updated_at=tools.now)
    if state.retry_count >= policy.max_retries:
        answer = {"status": StateStatus.ERRORED, "retry_created": False}
        effects = Effects(failed.but(status=StateStatus.ERRORED), answer=answer)
        return _with_joins(flow, effects, view, tools)
    attempt = state.retry_count + 1
    due = min(tools.now + retry.delay(policy, attempt, tools.random), LONGEST)
    return Effects(
        failed.but(status=StateStatus.RETRY_CREATED),
        created=[_again(state, tools, enqueue_after=due, retry_count=attempt)],
        answer={"status": StateStatus.ERRORED, "retry_created": True},
    )


def pruned(flow: Flow, state: NodeState, data: dict[str, Any], view: View, tools: Tools) -> Effects:
    """The node ended its branch: nothing follows, and joins count it as done."""
    done = state.but(status=StateStatus.PRUNED, data=data, updated_at=tools.now)
    answer = {"enqueue_after": state.enqueue_after, "status": StateStatus.PRUNED}
    return _with_joins(flow, Effects(done, answer=answer), view, tools)


def requeued(state: NodeState, delay: int, tools: Tools) -> Effects:
    """The node asked to run again after ``delay`` milliseconds; no attempt is counted."""
    due = min(tools.now + delay, LONGEST)
    waiting = state.but(status=StateStatus.CREATED, enqueue_after=due, updated_at=tools.now)
    return Effects(waiting, answer={"enqueue_after": due, "status": StateStatus.CREATED})


def retried_by_hand(state: NodeState, token: str, tools: Tools) -> Effects:
    """A person wants it again: a new node state with all its attempts.

    :raises ConflictError: for a node state that has not ended.
    """
    if state.status in UNFINISHED:
        raise ConflictError(
            f"State is {state.status} and cannot be retried before it ends", hint="wait until the node ended"
        )
    new = _again(state, tools, enqueue_after=tools.now, retry_count=0)
    new = new.but(manual_token=token)
    old = state.but(status=StateStatus.RETRY_CREATED, updated_at=tools.now)
    return Effects(old, created=[new], answer={"id": new.id, "status": StateStatus.CREATED})


def _failed(state: NodeState, message: str) -> NodeState:
    return state.but(status=StateStatus.NEXT_CREATED_ERROR, error=message)


def _with_joins(flow: Flow, effects: Effects, view: View, tools: Tools) -> Effects:
    """``effects`` with the joins that became due; one that cannot be built fails what completed it."""
    try:
        effects.created += joins.due(flow, effects, view, tools)
    except PlaceholderError as error:
        effects.state = _failed(effects.state, str(error))
    return effects


def _sibling(state: NodeState, output: dict[str, Any], tools: Tools) -> NodeState:
    return state.but(
        id=tools.new_id(),
        outputs=output,
        retry_count=0,
        manual_token=None,
        join_key=None,
        claims=0,
        token=None,
        outcome=None,
        deadline=None,
        created_at=tools.now,
    )


def _again(state: NodeState, tools: Tools, *, enqueue_after: int, retry_count: int) -> NodeState:
    new_id = tools.new_id()
    return state.but(
        id=new_id,
        group=new_id,
        status=StateStatus.CREATED,
        enqueue_after=enqueue_after,
        retry_count=retry_count,
        outputs={},
        data=None,
        error=None,
        join_key=None,
        manual_token=None,
        claims=0,
        token=None,
        outcome=None,
        deadline=None,
        created_at=tools.now,
        updated_at=tools.now,
    )


def _following(flow: Flow, members: Iterable[NodeState], view: View, tools: Tools) -> Iterable[NodeState]:
    """The next node states of each of ``members``, without joins."""
    for member in members:
        outputs: Callable[[], Mapping[str, Mapping[str, Any]]] = partial(lineage_outputs, member, view)
        for identifier in flow.nodes[member.identifier].next_nodes:
            node = flow.nodes[identifier]
            if node.unites is None and follows(flow, member, identifier, outputs, view):
                yield _next_state(
                    flow, node, member, inputs_of(flow, node, member.run_id, outputs, view), tools
                )


def _next_state(
    flow: Flow, node: NodeTemplate, previous: NodeState, inputs: dict[str, Any], tools: Tools
) -> NodeState:
    passed = dict(previous.joins)
    if previous.identifier in flow.join_targets:
        passed[previous.identifier] = previous.group
    return NodeState.new(previous.run_id, previous.flow_version, node, inputs, tools).but(
        parents={**previous.parents, previous.identifier: previous.id},
        joins=passed,
        through=flow.joins_passed(previous),
    )
