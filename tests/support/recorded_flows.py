"""Flows and node states as the protocol's own manager has them, with what it does badly.

What is observed of it: a flow is PENDING for some reads; what follows a node state is made after the answer;
secrets are given whole; an answer that comes too late is refused by status, whoever sends it; no leases.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

PLACEHOLDER = re.compile(r"\$\{\{\s*([\w-]+)\.(?:outputs\.)?(\w+)\s*\}\}")
OPEN = {"CREATED", "QUEUED", "EXECUTED"}
POLICY = {
    "max_retries": 3,
    "strategy": "EXPONENTIAL",
    "backoff_factor": 2000,
    "exponent": 2,
    "max_delay": None,
}


class RefusedError(Exception):
    """An answer that is no good one: status and body."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.body = status, {"detail": detail}


class BrokenError(Exception):
    """Something inside it fails: 500."""


@dataclass
class NodeState:
    """A document of the collection State."""

    id: str
    flow: Flow
    run_id: str
    place: dict[str, Any]
    inputs: dict[str, Any]
    parents: dict[str, str]
    status: str = "CREATED"
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    enqueue_after: int = 0
    retry_count: int = 0


@dataclass
class Flow:
    """A graph template; ``reads`` are left until it is verified."""

    name: str
    body: dict[str, Any]
    reads: int
    errors: list[str]

    @property
    def status(self) -> str:
        """PENDING until it was read often enough."""
        return "PENDING" if self.reads > 0 else "INVALID" if self.errors else "VALID"

    def place(self, identifier: str) -> dict[str, Any]:
        """A node of the flow."""
        return next(node for node in self.body["nodes"] if node["identifier"] == identifier)

    def answered(self) -> dict[str, Any]:
        """As it is read: policy and store are the defaults, whatever was saved."""
        nodes = [{**node, "next_nodes": node["next_nodes"] or []} for node in self.body["nodes"]]
        return {
            "nodes": nodes,
            "secrets": dict.fromkeys(self.body["secrets"], True),
            "retry_policy": POLICY,
            "store_config": {"required_keys": [], "default_values": {}},
            "triggers": [],
            "created_at": "2026-11-21T01:49:57.895063",
            "updated_at": "2026-11-21T01:49:57.895064",
            "validation_status": self.status,
            "validation_errors": [] if self.status == "PENDING" else self.errors,
        }


@dataclass
class Kept:
    """Everything that it keeps; ``verification_reads`` is how often a saved flow is read as PENDING."""

    verification_reads: int = 2
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    states: dict[str, NodeState] = field(default_factory=dict)
    stores: dict[str, dict[str, str]] = field(default_factory=dict)

    def save(self, name: str, body: dict[str, Any]) -> Flow:
        """Save a flow; it is verified later."""
        errors = [
            f"Node {node['node_name']} in namespace {node['namespace']} does not exist."
            for node in body["nodes"]
            if node["node_name"] not in self.nodes
        ]
        self.flows[name] = Flow(name, body, self.verification_reads, errors)
        return self.flows[name]

    def flow(self, name: str, message: str) -> Flow:
        """A flow by name."""
        if name not in self.flows:
            raise RefusedError(404, message)
        return self.flows[name]

    def trigger(self, name: str, body: dict[str, Any]) -> str:
        """Start a run; gives its id."""
        flow = self.flow(name, f"Graph template not found for namespace demo and graph {name}")
        if flow.status != "VALID":
            raise RefusedError(400, "Graph template is not valid")
        run_id = str(uuid.uuid4())
        self.stores[run_id] = {**flow.body["store_config"]["default_values"], **body["store"]}
        first, joined = flow.body["nodes"][0], body["inputs"]
        inputs = {key: joined.get(key, value) for key, value in first["inputs"].items()}
        self._create(flow, run_id, first, inputs, {}, body["start_delay"])
        return run_id

    def claim(self, names: list[str], batch_size: int) -> list[NodeState]:
        """Hand node states out; for ever, as there are no leases."""
        due = [
            state
            for state in self.states.values()
            if state.status == "CREATED"
            and state.place["node_name"] in names
            and state.enqueue_after <= now()
        ]
        for state in due[:batch_size]:
            state.status = "QUEUED"
        return due[:batch_size]

    def state(self, state_id: str) -> NodeState:
        """A node state; an id that is none breaks it."""
        if not re.fullmatch(r"[0-9a-f]{24}", state_id):
            raise BrokenError(state_id)
        if state_id not in self.states:
            raise RefusedError(404, "State not found")
        return self.states[state_id]

    def executed(self, state: NodeState, outputs: list[dict[str, Any]]) -> list[NodeState]:
        """Note outputs; each further one is a sibling. Gives those whose followers are to be made."""
        if state.status != "QUEUED":
            raise RefusedError(400, "State is not queued")
        state.status, state.outputs = "EXECUTED", outputs[0] if outputs else {}
        done = [state]
        for more in outputs[1:]:
            sibling = self._create(state.flow, state.run_id, state.place, state.inputs, state.parents)
            sibling.status, sibling.outputs = "EXECUTED", more
            done.append(sibling)
        return done

    def errored(self, state: NodeState, error: str) -> bool:
        """Note an error; gives whether another attempt was made."""
        if state.status not in {"QUEUED", "EXECUTED"}:
            raise RefusedError(400, "State is not queued or executed")
        if state.status == "EXECUTED":
            raise RefusedError(400, "State is already executed")
        again: bool = state.retry_count < state.flow.body["retry_policy"]["max_retries"]
        state.status, state.error = "RETRY_CREATED" if again else "ERRORED", error
        if again:
            new = self._create(state.flow, state.run_id, state.place, state.inputs, state.parents)
            new.retry_count = state.retry_count + 1
        return again

    def follow(self, done: list[NodeState]) -> None:
        """Make what follows, after the answer."""
        for state in done:
            try:
                self._create_next(state)
            except (KeyError, TypeError) as error:
                state.status, state.error = "NEXT_CREATED_ERROR", str(error)

    def _create_next(self, state: NodeState) -> None:
        parents = {**state.parents, state.place["identifier"]: state.id}
        joins = []
        for identifier in state.place["next_nodes"] or []:
            place = state.flow.place(identifier)
            if place["unites"]:
                joins.append(place)
            else:
                self._create(state.flow, state.run_id, place, self._inputs(state, place, parents), parents)
        state.status = "SUCCESS"
        for place in joins:
            self._join(state, place, parents)

    def _join(self, state: NodeState, place: dict[str, Any], parents: dict[str, str]) -> None:
        """Only looked at when a branch succeeds."""
        target = place["unites"]["identifier"]
        united = self.states[parents[target]]
        branches = [each for each in self.states.values() if each.parents.get(target) == united.id]
        above = {**united.parents, target: united.id}
        made = any(each.place is place and each.parents == above for each in branches)
        if not made and all(each.status in {"SUCCESS", "RETRY_CREATED"} for each in branches):
            self._create(state.flow, state.run_id, place, self._inputs(state, place, above), above)

    def _inputs(self, state: NodeState, place: dict[str, Any], parents: dict[str, str]) -> dict[str, str]:
        """Fields of the schema; what is concatenated must be text."""
        schema = self.nodes[place["node_name"]]["inputs_schema"]

        def resolve(text: str) -> str:
            whole, end = "", 0
            for found in PLACEHOLDER.finditer(text):
                owner, name = found.groups()
                source = (
                    self.stores[state.run_id] if owner == "store" else self.states[parents[owner]].outputs
                )
                whole, end = whole + text[end : found.start()] + source[name], found.end()
            return whole + text[end:]

        return {name: resolve(place["inputs"][name]) for name in schema["properties"]}

    def _create(  # noqa: PLR0917 - what a new document holds
        self,
        flow: Flow,
        run_id: str,
        place: dict[str, Any],
        inputs: dict[str, Any],
        parents: dict[str, str],
        delay: int = 0,
    ) -> NodeState:
        state = NodeState(uuid.uuid4().hex[:24], flow, run_id, place, inputs, parents)
        state.enqueue_after = now() + delay
        self.states[state.id] = state
        return state


def now() -> int:
    """Milliseconds since the epoch."""
    return int(time.time() * 1000)
