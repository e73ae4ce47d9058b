"""Any flow, whatever its nodes answer: every run ends, nothing is lost, nothing happens twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.manager.engine import graph, transitions
from groundup.manager.engine.model import Effects, Flow, FlowDocument, Join, NodeState
from groundup.manager.engine.template import checked
from groundup.nodes.wire import (
    UNFINISHED,
    NodeTemplate,
    RetryPolicyModel,
    StateStatus,
    UnitesModel,
    UnitesStrategyEnum,
)
from tests.support.manager import place
from tests.support.memory import MemoryRun

DONE_WELL = {StateStatus.SUCCESS, StateStatus.PRUNED, StateStatus.RETRY_CREATED}
MANY_STATES = 60


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """A valid flow of up to seven nodes with joins, inputs from ancestors and a few retries."""
    size = draw(st.integers(1, 7))
    following: list[list[str]] = [[] for _ in range(size)]
    for index in range(1, size):
        for previous in draw(st.sets(st.integers(0, index - 1), min_size=1, max_size=3)):
            following[previous].append(f"n{index}")
    nodes = [place(f"n{index}", *next_nodes) for index, next_nodes in enumerate(following)]
    for node in nodes[1:]:
        _maybe_unite(draw, nodes, node)
    readable = graph.readable(nodes)
    for node in nodes:
        if not node.unites and readable[node.identifier] and draw(st.booleans()):
            source = draw(st.sampled_from(sorted(readable[node.identifier])))
            node.inputs = {"text": f"${{{{ {source}.outputs.word }}}}"}
    document = FlowDocument(nodes=nodes, retry_policy=RetryPolicyModel(max_retries=draw(st.integers(0, 2))))
    checked("flow", "demo", document)
    return Flow(1, "demo", "flow", document)


def _maybe_unite(draw: st.DrawFn, nodes: list[NodeTemplate], node: NodeTemplate) -> None:
    edges = graph.successors(nodes)
    ancestors = [
        other.identifier for other in nodes if other is not node and node.identifier in _after(other, edges)
    ]
    if draw(st.booleans()):
        strategy = draw(st.sampled_from(UnitesStrategyEnum))
        node.unites = UnitesModel(identifier=draw(st.sampled_from(ancestors)), strategy=strategy)


def _after(node: NodeTemplate, edges: dict[str, list[str]]) -> set[str]:
    return graph.reachable(node.identifier, edges)


def answer(draw: Callable[..., Any], run: MemoryRun, state: NodeState, requeues: Counter[str]) -> Effects:
    """One of the things that a node may answer."""
    kinds = ["executed", "executed", "executed", "empty", "errored", "pruned"]
    kinds += ["many"] if len(run.states) < MANY_STATES else []
    kinds += ["requeued"] if requeues[state.id] < 2 else []
    match draw(st.sampled_from(kinds)):
        case "executed":
            return transitions.executed(run.flow, state, [{"word": state.id}], run, run.tools)
        case "many":
            outputs = [{"word": f"{state.id}-{index}"} for index in range(draw(st.integers(2, 3)))]
            return transitions.executed(run.flow, state, outputs, run, run.tools)
        case "empty":
            return transitions.executed(run.flow, state, [], run, run.tools)
        case "errored":
            return transitions.errored(run.flow, state, "broken", run, run.tools)
        case "pruned":
            return transitions.pruned(run.flow, state, {}, run, run.tools)
    requeues[state.id] += 1
    return transitions.requeued(state, 5, run.tools)


@settings(max_examples=300)
@given(flows(), st.data())
def test_every_run_ends_with_everything_done_once(flow: Flow, data: st.DataObject) -> None:
    run = MemoryRun(flow)
    requeues: Counter[str] = Counter()
    while waiting := run.with_status(StateStatus.CREATED):
        state = data.draw(st.sampled_from(waiting), label="state")
        claimed = replace(state, status=StateStatus.QUEUED, claims=state.claims + 1)
        run.states[state.id] = claimed
        run.apply(answer(data.draw, run, claimed, requeues))
    assert not run.with_status(*UNFINISHED)
    _check_retries(run)
    for state in run.with_status(StateStatus.SUCCESS):
        _check_successors(run, state)
    for join in flow.joins:
        _check_join(run, join)


def _check_retries(run: MemoryRun) -> None:
    limit = run.flow.document.retry_policy.max_retries
    assert all(state.retry_count <= limit for state in run.states.values())
    retried = run.with_status(StateStatus.RETRY_CREATED)
    retries = [state for state in run.states.values() if state.retry_count]
    assert Counter((state.identifier, state.retry_count + 1) for state in retried) == Counter(
        (state.identifier, state.retry_count) for state in retries
    )


def _check_successors(run: MemoryRun, state: NodeState) -> None:
    for identifier in run.flow.nodes[state.identifier].next_nodes:
        if run.flow.nodes[identifier].unites is None:
            originals = [
                other
                for other in run.of(identifier)
                if other.retry_count == 0 and list(other.parents.items())[-1] == (state.identifier, state.id)
            ]
            first_outputs = [other for other in originals if other.group == other.id]
            assert len(first_outputs) == 1


def _check_join(run: MemoryRun, join: Join) -> None:
    groups = {state.group for state in run.of(join.target) if state.status is StateStatus.SUCCESS}
    created = Counter(state.join_key for state in run.of(join.node.identifier) if state.join_key)
    assert set(created.values()) <= {1}
    for group in groups:
        members = [
            state
            for state in run.states.values()
            if state.joins.get(join.target) == group
            and state.identifier in join.scope
            and not set(state.parents) & _apart(run, join)
        ]
        assert created[f"{join.node.identifier}:{group}"] == _should_join(join, members)


def _apart(run: MemoryRun, join: Join) -> set[str]:
    """The join itself and the joins from which no way leads to it."""
    edges = graph.successors(run.flow.document.nodes)
    name = join.node.identifier
    uniting = {node.identifier for node in run.flow.document.nodes if node.unites}
    return {other for other in uniting if other == name or name not in graph.reachable(other, edges)}


def _should_join(join: Join, members: list[NodeState]) -> bool:
    if join.strategy is UnitesStrategyEnum.ALL_DONE:
        return True
    arrived = join.target in join.listed_by or any(
        state.identifier in join.listed_by and state.status is StateStatus.SUCCESS for state in members
    )
    return arrived and all(state.status in DONE_WELL for state in members)
