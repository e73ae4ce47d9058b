"""A run in memory: what the engine asks is answered from a dictionary, what it decides is applied to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from groundup.manager.engine import runs
from groundup.manager.engine.model import Effects, Flow, Member, NodeState, Tools
from groundup.nodes.wire import StateStatus, TriggerRequest


class MemoryRun:
    """One run of ``flow``; implements the view that transitions ask."""

    def __init__(self, flow: Flow, **store: str) -> None:
        self.flow = flow
        self.store = store
        self._numbers = count(1)
        self.tools = Tools(now=1000, new_id=lambda: f"s{next(self._numbers)}", random=lambda: 0.5)
        first = runs.first_state(flow, "run", TriggerRequest(store=store), self.tools)
        self.states = {first.id: first}

    def apply(self, effects: Effects) -> None:
        """Keep what a transition did; nothing may be created twice."""
        assert effects.state.id in self.states
        self.states[effects.state.id] = effects.state
        for state in effects.created:
            assert state.id not in self.states
            assert not (state.join_key and self.join_exists(state.run_id, state.join_key))
            self.states[state.id] = state

    def with_status(self, *statuses: StateStatus) -> list[NodeState]:
        """Node states in any of these statuses, in the order of their creation."""
        return [state for state in self.states.values() if state.status in statuses]

    def of(self, identifier: str) -> list[NodeState]:
        """Node states at a place of the flow."""
        return [state for state in self.states.values() if state.identifier == identifier]

    def outputs(self, state_ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        return {state_id: self.states[state_id].outputs for state_id in state_ids}

    def store_values(self, _run_id: str) -> Mapping[str, str]:
        return self.store

    def state(self, state_id: str) -> NodeState:
        return self.states[state_id]

    def members(self, _run_id: str, group: str, identifier: str) -> list[NodeState]:
        return [state for state in self.of(identifier) if group in {state.group, *state.joins.values()}]

    def group_counts(self, group: str) -> Counter[Member]:
        return Counter(Member.of(state) for state in self.states.values() if group in state.joins.values())

    def join_exists(self, _run_id: str, join_key: str) -> bool:
        return any(state.join_key == join_key for state in self.states.values())
