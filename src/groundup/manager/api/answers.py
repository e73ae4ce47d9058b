"""Answers of the protocol that no client of groundup reads as a model."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from groundup.nodes.wire import (
    NodeTemplate,
    RetryPolicyModel,
    StoreConfigModel,
    TriggerModel,
    ValidationStatus,
)


class Health(BaseModel):
    """The manager answers."""

    message: Literal["OK"]


class Namespaces(BaseModel):
    """Namespaces that have registered nodes, sorted."""

    namespaces: list[str]
    count: int


class Kept(BaseModel):
    """What nodes and flows have in common as they are kept."""

    id: str = Field(alias="_id")
    created_at: str
    updated_at: str
    name: str
    namespace: str


class RegisteredNode(Kept):
    """A node as it was registered last."""

    runtime_name: str
    runtime_namespace: str
    inputs_schema: dict[str, Any]
    outputs_schema: dict[str, Any]
    secrets: list[str]


class RegisteredNodes(BaseModel):
    """The nodes of a namespace in the order of their first registration."""

    namespace: str
    count: int
    nodes: list[RegisteredNode]


class GraphTemplate(Kept):
    """The newest version of a flow; of secrets only the names."""

    nodes: list[NodeTemplate]
    validation_status: ValidationStatus
    validation_errors: list[str]
    secrets: dict[str, str]
    triggers: list[TriggerModel]
    retry_policy: RetryPolicyModel
    store_config: StoreConfigModel


class GraphTemplates(BaseModel):
    """The flows of a namespace."""

    namespace: str
    count: int
    templates: list[GraphTemplate]


class Executed(BaseModel):
    """The node state has its outputs."""

    status: Literal["EXECUTED"]


class Errored(BaseModel):
    """The attempt has failed; ``retry_created`` says whether another one follows."""

    status: Literal["ERRORED"]
    retry_created: bool


class Pruned(BaseModel):
    """The branch has ended; ``enqueue_after``, in milliseconds since the epoch, is when it was due."""

    enqueue_after: int
    status: Literal["PRUNED"]


class ReEnqueued(BaseModel):
    """The node state is due at ``enqueue_after``, in milliseconds since the epoch."""

    enqueue_after: int
    status: Literal["CREATED"]


class Retried(BaseModel):
    """The new node state."""

    id: str
    status: Literal["CREATED"]


class Secrets(BaseModel):
    """The secrets that the node declares."""

    secrets: dict[str, str]
