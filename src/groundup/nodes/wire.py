"""The wire protocol as pydantic models: what travels between a worker or client and a state manager.

The only module that ``groundup.nodes`` and ``groundup.manager`` share; unknown keys are ignored.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from groundup.nodes import extensions
from groundup.nodes.models import (
    FAILED,
    UNFINISHED,
    ConditionModel,
    CronTrigger,
    GraphNodeModel,
    MissedEnum,
    NodeTemplate,
    OverlapEnum,
    RetryPolicyModel,
    RetryStrategyEnum,
    RunStatus,
    StateStatus,
    StoreConfigModel,
    TriggerModel,
    TriggerTypeEnum,
    UnitesModel,
    UnitesStrategyEnum,
    ValidationStatus,
    run_status,
)

__all__ = [
    "API_KEY_HEADER",
    "FAILED",
    "MANAGER_HEADER",
    "REQUEST_ID_HEADER",
    "UNFINISHED",
    "ClaimedState",
    "ConditionModel",
    "CronTrigger",
    "EnqueueRequest",
    "EnqueueResponse",
    "ErroredRequest",
    "ExecutedRequest",
    "ExecutionContext",
    "GraphNodeModel",
    "GraphResponse",
    "LeasesRequest",
    "LeasesResponse",
    "ManualRetryRequest",
    "MissedEnum",
    "NodeDetails",
    "NodeRegistration",
    "NodeTemplate",
    "OverlapEnum",
    "PruneRequest",
    "ReEnqueueAfterRequest",
    "RegisterNodesRequest",
    "RegisterNodesResponse",
    "RetryPolicyModel",
    "RetryStrategyEnum",
    "RunEdge",
    "RunGraph",
    "RunItem",
    "RunNode",
    "RunStatus",
    "RunsResponse",
    "StateStatus",
    "StoreConfigModel",
    "TriggerModel",
    "TriggerRequest",
    "TriggerResponse",
    "TriggerTypeEnum",
    "UnitesModel",
    "UnitesStrategyEnum",
    "UpsertGraphRequest",
    "ValidationStatus",
    "extensions",
    "run_status",
]

MANAGER_HEADER = "x-groundup-manager"
"""Response header by which groundup's state manager announces itself; its value is the version of `/v1`."""

REQUEST_ID_HEADER = "x-exosphere-request-id"
API_KEY_HEADER = "x-api-key"


class NodeRegistration(BaseModel):
    """What a worker tells about one node: its name, the JSON schemas of its fields, its secrets."""

    name: str
    inputs_schema: dict[str, Any]
    outputs_schema: dict[str, Any]
    secrets: list[str]


class RegisterNodesRequest(BaseModel):
    runtime_name: str
    nodes: list[NodeRegistration]


class RegisterNodesResponse(BaseModel):
    runtime_name: str
    registered_nodes: list[NodeRegistration]


class UpsertGraphRequest(BaseModel):
    secrets: dict[str, str]
    nodes: list[NodeTemplate]
    retry_policy: RetryPolicyModel = Field(default_factory=RetryPolicyModel)
    store_config: StoreConfigModel = Field(default_factory=StoreConfigModel)
    triggers: list[TriggerModel] = Field(default_factory=list)


class GraphResponse(BaseModel):
    """A flow as it is answered; of secrets only the names."""

    nodes: list[NodeTemplate]
    secrets: dict[str, bool]
    retry_policy: RetryPolicyModel
    store_config: StoreConfigModel
    triggers: list[TriggerModel]
    created_at: str
    updated_at: str
    validation_status: ValidationStatus
    validation_errors: list[str]


class TriggerRequest(BaseModel):
    """Starts a run. ``start_delay`` in milliseconds."""

    store: dict[str, str] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    start_delay: int = Field(default=0, ge=0)


class TriggerResponse(BaseModel):
    status: StateStatus
    run_id: str


class EnqueueRequest(BaseModel):
    """Asks for node states to execute.

    ``lease`` and ``wait`` in milliseconds are groundup's own: how long the claim holds unless it is renewed,
    and how long an empty answer may be held back. With ``context`` each node state tells where it belongs.
    Other managers ignore them.
    """

    nodes: list[str]
    batch_size: int
    lease: int | None = Field(default=None, gt=0)
    wait: int = Field(default=0, ge=0)
    context: bool = False


class ExecutionContext(BaseModel):
    """Where a node state belongs: ``attempt`` counts from 1, ``timeout`` in milliseconds is what is left."""

    namespace: str
    graph_name: str
    run_id: str
    attempt: int
    timeout: int | None = None


class ClaimedState(BaseModel):
    """A node state handed to a worker; ``state_id`` is opaque and returned verbatim."""

    state_id: str
    node_name: str
    identifier: str = ""
    inputs: dict[str, Any]
    created_at: str = ""
    context: ExecutionContext | None = Field(default=None, exclude_if=lambda value: value is None)


class EnqueueResponse(BaseModel):
    count: int
    namespace: str
    status: StateStatus
    states: list[ClaimedState]


class ExecutedRequest(BaseModel):
    outputs: list[dict[str, Any]]


class ErroredRequest(BaseModel):
    error: str


class PruneRequest(BaseModel):
    data: dict[str, Any]


class ReEnqueueAfterRequest(BaseModel):
    """Puts a node state back for ``enqueue_after`` milliseconds."""

    enqueue_after: int = Field(gt=0)


class ManualRetryRequest(BaseModel):
    """``fanout_id`` makes the retry idempotent: the same one twice is refused."""

    fanout_id: str


class LeasesRequest(BaseModel):
    """Names claims to renew for ``lease`` milliseconds, or to give back."""

    state_ids: list[str] = Field(max_length=10_000)
    lease: int = Field(default=15_000, gt=0)


class LeasesResponse(BaseModel):
    """Claims that still hold and those that are lost."""

    held: list[str]
    lost: list[str]


class RunItem(BaseModel):
    run_id: str
    graph_name: str
    success_count: int
    pending_count: int
    errored_count: int
    retried_count: int
    total_count: int
    status: RunStatus
    created_at: str


class RunsResponse(BaseModel):
    namespace: str
    total: int
    page: int
    size: int
    runs: list[RunItem]


class RunNode(BaseModel):
    """One node state in the picture of a run."""

    id: str
    node_name: str
    identifier: str
    status: StateStatus
    error: str | None = None


class RunEdge(BaseModel):
    source: str
    target: str


class RunGraph(BaseModel):
    """The node states of a run and how they follow from one another; empty for an unknown run."""

    root_states: list[RunNode]
    graph_name: str
    nodes: list[RunNode]
    edges: list[RunEdge]
    node_count: int
    edge_count: int
    execution_summary: dict[StateStatus, int]

    @property
    def status(self) -> RunStatus:
        """Status of the whole run."""
        return run_status(self.execution_summary)


class NodeDetails(BaseModel):
    """Everything about one node state of a run."""

    id: str
    node_name: str
    identifier: str
    graph_name: str
    run_id: str
    status: StateStatus
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    error: str | None = None
    parents: dict[str, str]
    created_at: str
    updated_at: str
