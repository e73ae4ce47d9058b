"""Flows as pydantic models: nodes, joins, retry policy, store, triggers, and the statuses of what runs.

Field names, defaults and messages are those of the wire protocol; see :mod:`groundup.nodes.wire`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Field, field_validator, model_validator


class UnitesStrategyEnum(StrEnum):
    """When a joining node may start."""

    ALL_SUCCESS = "ALL_SUCCESS"
    ALL_DONE = "ALL_DONE"


class RetryStrategyEnum(StrEnum):
    """How the delay grows from one attempt to the next."""

    EXPONENTIAL = "EXPONENTIAL"
    EXPONENTIAL_FULL_JITTER = "EXPONENTIAL_FULL_JITTER"
    EXPONENTIAL_EQUAL_JITTER = "EXPONENTIAL_EQUAL_JITTER"
    LINEAR = "LINEAR"
    LINEAR_FULL_JITTER = "LINEAR_FULL_JITTER"
    LINEAR_EQUAL_JITTER = "LINEAR_EQUAL_JITTER"
    FIXED = "FIXED"
    FIXED_FULL_JITTER = "FIXED_FULL_JITTER"
    FIXED_EQUAL_JITTER = "FIXED_EQUAL_JITTER"


class StateStatus(StrEnum):
    """Status of a node state."""

    CREATED = "CREATED"
    QUEUED = "QUEUED"
    EXECUTED = "EXECUTED"
    SUCCESS = "SUCCESS"
    ERRORED = "ERRORED"
    NEXT_CREATED_ERROR = "NEXT_CREATED_ERROR"
    PRUNED = "PRUNED"
    RETRY_CREATED = "RETRY_CREATED"


UNFINISHED = frozenset({StateStatus.CREATED, StateStatus.QUEUED, StateStatus.EXECUTED})
FAILED = frozenset({StateStatus.ERRORED, StateStatus.NEXT_CREATED_ERROR})


class RunStatus(StrEnum):
    """Status of a run, derived from those of its node states."""

    SUCCESS = "SUCCESS"
    PENDING = "PENDING"
    FAILED = "FAILED"


def run_status(counts: dict[StateStatus, int]) -> RunStatus:
    """The status of a run with ``counts`` node states in each status; a run without node states failed."""
    if any(counts.get(status, 0) for status in UNFINISHED):
        return RunStatus.PENDING
    if not any(counts.values()) or any(counts.get(status, 0) for status in FAILED):
        return RunStatus.FAILED
    return RunStatus.SUCCESS


class ValidationStatus(StrEnum):
    """Status of a flow after its verification."""

    PENDING = "PENDING"
    VALID = "VALID"
    INVALID = "INVALID"


def _is_none(value: object) -> bool:
    return value is None


def _stripped(value: str, message: str) -> str:
    stripped = value.strip()
    if not stripped:
        raise ValueError(message)
    return stripped


class UnitesModel(BaseModel):
    """Marks a node as a join over everything that started at the node ``identifier``."""

    identifier: str = Field(description="Identifier of the node whose branches are joined")
    strategy: UnitesStrategyEnum = Field(default=UnitesStrategyEnum.ALL_SUCCESS, description="When to join")

    @field_validator("identifier")
    @classmethod
    def _check_identifier(cls, value: str) -> str:
        return _stripped(value, "Unites identifier cannot be empty")


class ConditionModel(BaseModel):
    """Lets a next node follow only where a text is among some others, or is not.

    :param value: text, which may hold placeholders, of this node's own outputs too.
    :param one_of: it follows where the text is one of these.
    :param none_of: it follows where the text is none of these.
    """

    value: str
    one_of: list[str] | None = Field(default=None, exclude_if=_is_none)
    none_of: list[str] | None = Field(default=None, exclude_if=_is_none)

    @model_validator(mode="after")
    def _check_lists(self) -> Self:
        if (self.one_of is None) == (self.none_of is None):
            raise ValueError("A condition has either one_of or none_of")
        return self

    def holds(self, text: str) -> bool:
        """Whether the node follows, where ``text`` is the value, its placeholders resolved."""
        return text in self.one_of if self.one_of is not None else text not in (self.none_of or ())


class RetryPolicyModel(BaseModel):
    """How often and after which delays a failed node state is tried again; times in milliseconds."""

    max_retries: int = Field(default=3, ge=0, description="Attempts after the first one")
    strategy: RetryStrategyEnum = Field(default=RetryStrategyEnum.EXPONENTIAL)
    backoff_factor: int = Field(default=2000, gt=0, description="Base delay in milliseconds")
    exponent: int = Field(default=2, gt=0, description="Base of the exponential strategies")
    max_delay: int | None = Field(default=None, gt=0, description="Upper limit of a delay in milliseconds")


class GraphNodeModel(BaseModel):
    """One node of a flow.

    :param node_name: name of the registered node, its class name.
    :param namespace: namespace that the node is registered in.
    :param identifier: name of this place in the flow, unique there; ``store`` is reserved.
    :param inputs: field → text, which may hold ``${{ identifier.outputs.field }}`` and ``${{ store.key }}``.
    :param next_nodes: identifiers of the nodes that follow.
    :param unites: makes the node a join.
    :param retry_policy: replaces the flow's for this node; groundup's manager alone knows it.
    :param timeout: milliseconds that one execution may take; groundup's manager alone knows it.
    :param conditions: of some next nodes, by identifier; where one does not hold, that node does not follow;
        groundup's manager alone knows them.
    """

    node_name: str
    namespace: str
    identifier: str
    inputs: dict[str, Any] = Field(default_factory=dict)
    next_nodes: list[str] | None = None
    unites: UnitesModel | None = None
    retry_policy: RetryPolicyModel | None = Field(default=None, exclude_if=_is_none)
    timeout: int | None = Field(default=None, gt=0, exclude_if=_is_none)
    conditions: Mapping[str, ConditionModel] | None = Field(default=None, exclude_if=_is_none)

    @field_validator("node_name")
    @classmethod
    def _check_node_name(cls, value: str) -> str:
        return _stripped(value, "Node name cannot be empty")

    @field_validator("identifier")
    @classmethod
    def _check_identifier(cls, value: str) -> str:
        identifier = _stripped(value, "Node identifier cannot be empty")
        if identifier == "store":
            raise ValueError("Node identifier cannot be reserved word 'store'")
        return identifier

    @field_validator("next_nodes")
    @classmethod
    def _check_next_nodes(cls, value: list[str] | None) -> list[str] | None:
        seen: list[str] = []
        errors = []
        for item in value or []:
            identifier = item.strip()
            if not identifier:
                errors.append("Next node identifier cannot be empty")
            elif identifier in seen:
                errors.append(f"Next node identifier {identifier} is not unique")
            seen.append(identifier)
        if errors:
            raise ValueError("\n".join(errors))
        return None if value is None else seen


class NodeTemplate(GraphNodeModel):
    """A node as the state manager receives and answers it: inputs are required, lists never null."""

    inputs: dict[str, Any]
    next_nodes: Annotated[list[str], BeforeValidator(lambda value: [] if value is None else value)] = Field(
        default_factory=list
    )


class StoreConfigModel(BaseModel):
    """Keys of a run's store: those that a trigger must pass, and defaults of the others."""

    required_keys: list[str] = Field(default_factory=list)
    default_values: dict[str, str] = Field(default_factory=dict)

    @field_validator("required_keys")
    @classmethod
    def _check_required_keys(cls, value: list[str]) -> list[str]:
        return _checked_keys(value)

    @field_validator("default_values")
    @classmethod
    def _check_default_values(cls, value: dict[str, str]) -> dict[str, str]:
        return dict(zip(_checked_keys(list(value)), value.values(), strict=True))


def _checked_keys(keys: list[str]) -> list[str]:
    errors = []
    checked: list[str] = []
    for key in (key.strip() for key in keys):
        if not key:
            errors.append("Key cannot be empty or contain only whitespace")
        elif "." in key:
            errors.append(f"Key '{key}' cannot contain '.' character")
        elif key in checked:
            errors.append(f"Key '{key}' is duplicated")
        checked.append(key)
    if errors:
        raise ValueError("\n".join(errors))
    return checked


class OverlapEnum(StrEnum):
    """What happens at a time of a trigger while a run of it has not ended."""

    ALLOW = "ALLOW"
    SKIP = "SKIP"
    QUEUE = "QUEUE"


class MissedEnum(StrEnum):
    """What happens with times at which no manager was there to trigger."""

    LATEST = "LATEST"
    ALL = "ALL"
    NONE = "NONE"


class CronTrigger(BaseModel):
    """Triggers a flow at the times of a cron expression.

    All but ``expression`` are known to groundup's manager alone.

    :param expression: five fields, six with seconds at the end, or a name such as ``@daily``.
    :param timezone: IANA name of the zone of its times; default: UTC.
    :param overlap: default: ``ALLOW``.
    :param missed: default: ``LATEST``, which triggers once for all of them.
    :param inputs: as of a trigger by hand.
    :param store: as of a trigger by hand.
    """

    expression: str
    timezone: str | None = Field(default=None, exclude_if=_is_none)
    overlap: OverlapEnum | None = Field(default=None, exclude_if=_is_none)
    missed: MissedEnum | None = Field(default=None, exclude_if=_is_none)
    inputs: dict[str, str] | None = Field(default=None, exclude_if=_is_none)
    store: dict[str, str] | None = Field(default=None, exclude_if=_is_none)


class TriggerTypeEnum(StrEnum):
    """Kinds of triggers."""

    CRON = "CRON"


class TriggerModel(BaseModel):
    """A trigger of a flow as it travels."""

    type: TriggerTypeEnum
    value: CronTrigger
