"""What must be true of a database after everything has ended, whatever was broken meanwhile.

Of each node state there is a chain: the first attempt and those that followed it. Every check gives what is
wrong, so that a test asserts that it gives nothing.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from groundup.manager.engine.model import Flow, NodeState
from groundup.manager.store.address import backend_of
from groundup.manager.store.flows import FlowCache
from groundup.manager.store.rows import as_state
from groundup.manager.store.schema import node_states
from groundup.nodes.wire import UNFINISHED, StateStatus
from tests.support.chaos import Journal, Line

Place = tuple[str, str, frozenset[tuple[str, str]]]
"""A run, an identifier in its flow, and what comes before: one chain stands there."""


@dataclass(frozen=True)
class Kept:
    """What a database holds: node states in the order of their creation, and versions of flows."""

    states: Sequence[NodeState]
    flows: dict[int, Flow]

    @classmethod
    def read(cls, address: Path | str) -> Kept:
        """Everything in the database at `address`, which others may use."""
        backend = backend_of(address)
        flows = FlowCache()
        with backend.engine.connect().execution_options(**backend.reading) as connection:
            rows = connection.execute(select(node_states).order_by(node_states.c.seq))
            states = [as_state(row) for row in rows]
            versions = {state.flow_version for state in states}
            found = {version: flows.get(connection, version) for version in versions}
        backend.engine.dispose()
        return cls(states, found)

    def with_status(self, status: StateStatus) -> set[str]:
        """Ids of the node states that have this status."""
        return {state.id for state in self.states if state.status is status}

    def successes(self) -> dict[str, Counter[str]]:
        """How often each identifier succeeded, by run."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for state in self.states:
            found[state.run_id][state.identifier] += state.status is StateStatus.SUCCESS
        return dict(found)

    def chains(self) -> dict[Place, list[NodeState]]:
        """The attempts at each place, the first one first; further outputs of a node are no attempts."""
        found: dict[Place, list[NodeState]] = defaultdict(list)
        for state in self.states:
            if state.group == state.id:
                found[_place(state)].append(state)
        return {spot: sorted(chain, key=lambda state: state.retry_count) for spot, chain in found.items()}


def violations(kept: Kept, journal: Journal | None) -> list[str]:
    """Everything that is wrong with what was kept, and with what was executed where that was written down."""
    chains = kept.chains()
    return [
        *_unfinished(kept),
        *_wrong_attempts(kept, chains),
        *_wrong_successors(kept, chains),
        *_wrong_joins(kept, chains),
        *(_wrong_executions(chains, journal.lines()) if journal else ()),
    ]


def repeated(kept: Kept, journal: Journal) -> set[str]:
    """Ids of node states that were executed, and whose work was executed again."""
    began = {line.state_id for line in journal.lines() if line.event == "begin"}
    executed = ([state.id for state in chain if state.id in began] for chain in kept.chains().values())
    return {state_id for chain in executed for state_id in chain[:-1]}


def _place(state: NodeState) -> Place:
    return state.run_id, state.identifier, frozenset(state.parents.items())


def _unfinished(kept: Kept) -> Iterator[str]:
    for state in kept.states:
        if state.status in UNFINISHED:
            yield f"{state.identifier} {state.id} is {state.status.value} for ever"


def _wrong_attempts(kept: Kept, chains: dict[Place, list[NodeState]]) -> Iterator[str]:
    """Attempts are counted without gaps up to the limit; all but the last failed."""
    for chain in chains.values():
        last = chain[-1]
        limit = kept.flows[last.flow_version].retry_policy(last.identifier).max_retries
        counts = [state.retry_count for state in chain]
        statuses = [state.status for state in chain]
        if counts != list(range(len(chain))) or last.retry_count > limit:
            yield f"attempts of {last.identifier} {last.id}: {counts}, the limit is {limit}"
        if set(statuses[:-1]) - {StateStatus.RETRY_CREATED} or statuses[-1] is StateStatus.RETRY_CREATED:
            yield f"attempts of {last.identifier} {last.id} ended as {statuses}"


def _wrong_successors(kept: Kept, chains: dict[Place, list[NodeState]]) -> Iterator[str]:
    """After every success there is each next node, and there is nothing else but roots and joins."""
    roots = {version: flow.root.identifier for version, flow in kept.flows.items()}
    expected = {
        spot
        for spot, (first, *_) in chains.items()
        if first.identifier == roots[first.flow_version] and not first.parents
    }
    for state in kept.states:
        flow = kept.flows[state.flow_version]
        if state.status is StateStatus.SUCCESS:
            parents = frozenset({**state.parents, state.identifier: state.id}.items())
            following = flow.nodes[state.identifier].next_nodes
            expected |= {
                (state.run_id, name, parents) for name in following if flow.nodes[name].unites is None
            }
    plain = {
        spot
        for spot, chain in chains.items()
        if kept.flows[chain[0].flow_version].nodes[spot[1]].unites is None
    }
    yield from (f"{identifier} is missing in run {run}" for run, identifier, _ in expected - plain)
    yield from (f"{identifier} follows nothing in run {run}" for run, identifier, _ in plain - expected)


def _wrong_joins(kept: Kept, chains: dict[Place, list[NodeState]]) -> Iterator[str]:
    """There is one join for each group of branches that succeeded."""
    for version, flow in kept.flows.items():
        for join in flow.joins:
            here = [state for state in kept.states if state.flow_version == version]
            done = [state for state in here if state.status is StateStatus.SUCCESS]
            groups = {state.group for state in done if state.identifier == join.target}
            found = [
                spot
                for spot, chain in chains.items()
                if chain[0].flow_version == version and spot[1] == join.node.identifier
            ]
            if len(found) != len(groups):
                yield f"{len(groups)} groups were united {len(found)} times at {join.node.identifier}"


def _wrong_executions(chains: dict[Place, list[NodeState]], lines: Sequence[Line]) -> Iterator[str]:
    """Each attempt ran once at most, what succeeded ran to its end, what ran again was hit by a fault."""
    begun = Counter(line.state_id for line in lines if line.event == "begin")
    yield from (f"{state_id} began {count} times" for state_id, count in begun.items() if count > 1)
    ended = {line.state_id for line in lines if line.event == "end"}
    first = {line.state_id: number for number, line in reversed(list(enumerate(lines)))}
    faults = [number for number, line in enumerate(lines) if line.event == "fault"]
    for chain in chains.values():
        last = chain[-1]
        if last.status is StateStatus.SUCCESS and last.id not in ended:
            yield f"{last.identifier} {last.id} succeeded without being executed"
        executed = sorted(first[state.id] for state in chain if state.id in begun)
        for one, other in itertools.pairwise(executed):
            if not any(one < fault < other for fault in faults):
                yield f"{last.identifier} {last.id} was executed again although nothing had happened"
