"""The vocabulary of the engine: flows, node states, and the effects of a transition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol, Self

from pydantic import BaseModel, Field

from groundup.manager.engine import graph
from groundup.manager.engine.retry import LONGEST
from groundup.nodes.wire import (
    NodeTemplate,
    RetryPolicyModel,
    StateStatus,
    StoreConfigModel,
    TriggerModel,
    UnitesStrategyEnum,
)


class FlowDocument(BaseModel):
    """One version of a flow as it is kept: the template, its secrets encrypted.

    ``input_fields`` holds the input fields of each node, by identifier, as they were registered when the
    flow was verified.
    """

    nodes: list[NodeTemplate]
    secrets: dict[str, str] = Field(default_factory=dict)
    retry_policy: RetryPolicyModel = Field(default_factory=RetryPolicyModel)
    store_config: StoreConfigModel = Field(default_factory=StoreConfigModel)
    triggers: list[TriggerModel] = Field(default_factory=list)
    input_fields: dict[str, list[str]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Join:
    """A node that unites the branches which started at ``target``.

    ``scope`` are the identifiers whose node states it waits for, except those that come from one of
    ``apart``: itself and joins that do not lead to it. ``listed_by`` are those that name it as next.
    """

    node: NodeTemplate
    target: str
    strategy: UnitesStrategyEnum
    scope: frozenset[str]
    apart: frozenset[str]
    listed_by: frozenset[str]


@dataclass(frozen=True)
class Flow:
    """A verified version of a flow, ready to run."""

    version: int
    namespace: str
    name: str
    document: FlowDocument

    @cached_property
    def nodes(self) -> dict[str, NodeTemplate]:
        """Its nodes by identifier."""
        return {node.identifier: node for node in self.document.nodes}

    @cached_property
    def root(self) -> NodeTemplate:
        """The node that a run starts with."""
        return self.nodes[graph.roots(self.document.nodes)[0]]

    @cached_property
    def joins(self) -> tuple[Join, ...]:
        """Its joins, each after those that lead to it."""
        nodes = self.document.nodes
        uniting = [self.nodes[name] for name in graph.topological_order(nodes) if self.nodes[name].unites]
        return tuple(_join(nodes, node) for node in uniting)

    @cached_property
    def join_targets(self) -> frozenset[str]:
        """Identifiers that some join unites."""
        return frozenset(join.target for join in self.joins)

    def retry_policy(self, identifier: str) -> RetryPolicyModel:
        """The policy of one of its nodes."""
        return self.nodes[identifier].retry_policy or self.document.retry_policy

    def joins_passed(self, state: NodeState) -> tuple[str, ...]:
        """The joins that what follows ``state`` descends from."""
        is_join = self.nodes[state.identifier].unites is not None
        return (*state.through, state.identifier) if is_join else tuple(state.through)


def _join(nodes: list[NodeTemplate], node: NodeTemplate) -> Join:
    if node.unites is None:
        raise ValueError(f"{node.identifier} unites nothing")
    apart = graph.joins_apart(nodes, node.identifier)
    return Join(
        node=node,
        target=node.unites.identifier,
        strategy=node.unites.strategy,
        scope=graph.between(nodes, node.unites.identifier, apart),
        apart=apart,
        listed_by=frozenset(other.identifier for other in nodes if node.identifier in other.next_nodes),
    )


@dataclass(frozen=True)
class NodeState:
    """One execution of one node in one run.

    ``parents`` leads from identifiers to the node states whose outputs may be read; ``joins`` from join
    targets to the group that a join will unite; ``through`` are the joins that it descends from; ``group``
    names the fan-out that it belongs to, by the id of its first member. ``timeout`` is how long an execution
    may take, ``deadline`` when the present one must have ended. Times are milliseconds.
    """

    id: str
    run_id: str
    flow_version: int
    namespace: str
    node_name: str
    identifier: str
    status: StateStatus
    inputs: dict[str, Any]
    enqueue_after: int
    created_at: int
    updated_at: int
    group: str
    outputs: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] | None = None
    error: str | None = None
    parents: dict[str, str] = field(default_factory=dict)
    joins: dict[str, str] = field(default_factory=dict)
    through: Sequence[str] = ()
    join_key: str | None = None
    retry_count: int = 0
    manual_token: str | None = None
    claims: int = 0
    token: str | None = None
    outcome: dict[str, Any] | None = None
    timeout: int | None = None
    deadline: int | None = None

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        """The node state with all these fields; quicker than naming each."""
        state = object.__new__(cls)
        vars(state).update(fields)
        return state

    def but(self, **changes: Any) -> Self:
        """The same but for some fields; quicker than :func:`dataclasses.replace`.

        :raises TypeError: for a field that there is not.
        """
        fields = {**vars(self), **changes}
        if len(fields) != len(vars(self)):
            raise TypeError(f"{sorted(fields.keys() - vars(self).keys())} are no fields of a node state")
        return self.of(fields)

    @classmethod
    def new(
        cls, run_id: str, flow_version: int, node: NodeTemplate, inputs: dict[str, Any], tools: Tools
    ) -> NodeState:
        """A node state of ``node`` that is due now, the first of its group, with nothing before it."""
        state_id, now = tools.new_id(), tools.now
        return cls.of(
            {
                "id": state_id,
                "run_id": run_id,
                "flow_version": flow_version,
                "namespace": node.namespace,
                "node_name": node.node_name,
                "identifier": node.identifier,
                "status": StateStatus.CREATED,
                "inputs": inputs,
                "outputs": {},
                "data": None,
                "error": None,
                "parents": {},
                "joins": {},
                "through": (),
                "join_key": None,
                "group": state_id,
                "enqueue_after": now,
                "retry_count": 0,
                "manual_token": None,
                "claims": 0,
                "token": None,
                "outcome": None,
                "timeout": None if node.timeout is None else min(node.timeout, LONGEST),
                "deadline": None,
                "created_at": now,
                "updated_at": now,
            }
        )


@dataclass(slots=True)
class Effects:
    """What a transition does: the new shape of the node state, what is created, the answer to the worker."""

    state: NodeState
    created: list[NodeState] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)


class Member(NamedTuple):
    """A kind of node states of a group."""

    identifier: str
    status: StateStatus
    through: tuple[str, ...]

    @classmethod
    def of(cls, state: NodeState) -> Member:
        """The kind that ``state`` is."""
        return cls(state.identifier, state.status, tuple(state.through))


Counts = Mapping[Member, int]
"""How many node states of a group there are of each kind."""


class View(Protocol):
    """What the engine may ask about a run while it decides."""

    def outputs(self, state_ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """Outputs of node states, by id."""

    def store_values(self, run_id: str) -> Mapping[str, str]:
        """The values that the run was triggered with."""

    def state(self, state_id: str) -> NodeState:
        """One node state."""

    def members(self, run_id: str, group: str, identifier: str) -> Sequence[NodeState]:
        """Node states at ``identifier`` that belong to or descend from ``group``, in order of creation."""

    def group_counts(self, group: str) -> Counts:
        """Node states that descend from ``group``."""

    def join_exists(self, run_id: str, join_key: str) -> bool:
        """Whether the join was created before."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What transitions need from outside: the present in milliseconds, new ids, chance in [0, 1)."""

    now: int
    new_id: Callable[[], str]
    random: Callable[[], float]
