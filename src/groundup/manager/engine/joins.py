"""Joins: a node that unites everything which started at another one runs once, when all of that is done.

Decided on every transition that ends a node state, so it does not matter which branch ends last, how it
ends, or whether it names the join as its next node. A pruned branch counts as done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from groundup.manager.engine.model import Counts, Effects, Flow, Join, Member, NodeState, Tools, View
from groundup.manager.engine.resolution import Branches, inputs_of, lineage_outputs
from groundup.nodes.wire import UNFINISHED, StateStatus, UnitesStrategyEnum

_DONE_WELL = frozenset({StateStatus.SUCCESS, StateStatus.PRUNED, StateStatus.RETRY_CREATED})


def due(flow: Flow, effects: Effects, view: View, tools: Tools) -> list[NodeState]:
    """The joins that the transition completed.

    :raises PlaceholderError: when the inputs of a join cannot be built.
    """
    created: list[NodeState] = []
    for join, group in _concerned(flow, effects.state):
        counts = _counts_after(group, effects, created, view)
        if _complete(join, counts) and not view.join_exists(effects.state.run_id, _key(join, group)):
            base = effects.state if effects.state.id == group else view.state(group)
            branches = partial(_branch_outputs, join, group, [effects.state, *effects.created], view)
            created.append(_join_state(flow, join, base, branches, view, tools))
    return created


def _concerned(flow: Flow, state: NodeState) -> Iterator[tuple[Join, str]]:
    for join in flow.joins:
        if state.identifier in join.scope and join.target in state.joins:
            yield join, state.joins[join.target]
        elif state.identifier == join.target and state.status is StateStatus.SUCCESS:
            yield join, state.group


def _counts_after(group: str, effects: Effects, joined: Iterable[NodeState], view: View) -> Counts:
    """Node states of ``group`` as they will be once ``effects`` are applied."""
    counts = Counter(view.group_counts(group))
    if group in effects.state.joins.values():
        counts[Member.of(view.state(effects.state.id))] -= 1
        counts[Member.of(effects.state)] += 1
    for state in [*effects.created, *joined]:
        if group in state.joins.values():
            counts[Member.of(state)] += 1
    return counts


def _complete(join: Join, counts: Counts) -> bool:
    members = [member for member, count in counts.items() if count > 0 and _waited_for(join, member)]
    statuses = {member.status for member in members}
    if join.strategy is UnitesStrategyEnum.ALL_DONE:
        return not statuses & UNFINISHED
    arrived = any(
        member.identifier in join.listed_by and member.status is StateStatus.SUCCESS for member in members
    )
    return statuses <= _DONE_WELL and (arrived or join.target in join.listed_by)


def _waited_for(join: Join, member: Member) -> bool:
    return member.identifier in join.scope and join.apart.isdisjoint(member.through)


def _branch_outputs(
    join: Join, group: str, changed: Sequence[NodeState], view: View, identifier: str
) -> list[Mapping[str, Any]]:
    """Outputs of what succeeded at ``identifier``, in order of creation, once ``changed`` is kept."""
    members = {state.id: state for state in view.members(changed[0].run_id, group, identifier)}
    for state in changed:
        if state.identifier == identifier and group in {state.group, *state.joins.values()}:
            members[state.id] = state
    return [
        state.outputs
        for state in members.values()
        if state.status is StateStatus.SUCCESS and join.apart.isdisjoint(state.through)
    ]


def _key(join: Join, group: str) -> str:
    return f"{join.node.identifier}:{group}"


def _join_state(  # noqa: PLR0913, PLR0917 - all that inputs may be made of
    flow: Flow, join: Join, base: NodeState, branches: Branches, view: View, tools: Tools
) -> NodeState:
    """The node state of the join; ``base`` is the first node state of the united group."""
    inputs = inputs_of(flow, join.node, base.run_id, lambda: lineage_outputs(base, view), view, branches)
    return NodeState.new(base.run_id, base.flow_version, join.node, inputs, tools).but(
        parents={**base.parents, base.identifier: base.id},
        joins={**base.joins, join.target: base.id},
        through=tuple(base.through),
        join_key=_key(join, base.id),
    )
