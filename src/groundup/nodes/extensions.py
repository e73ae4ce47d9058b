"""What groundup's state manager offers beyond the protocol, below `/v1`, as pydantic models.

Times are in UTC, durations in milliseconds. Lists are paged: `next` of one answer, passed as `before`, gives
the page that follows; it is null on the last page.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator

from groundup.nodes.models import CronTrigger, StateStatus

MOST_OUTCOMES = 1_000
MOST_VALUES = 1_000
LARGEST_PAGE = 1_000

Limit = Annotated[int, Field(ge=1, le=LARGEST_PAGE)]
Cursor = Annotated[int, Field(ge=1, le=2**62)]


class RunState(StrEnum):
    """Status of a run; one that was cancelled is FAILED in the protocol."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class ExecutedOutcome(BaseModel):
    """The node ran."""

    outcome: Literal["executed"]
    state_id: str
    outputs: list[dict[str, Any]]


class ErroredOutcome(BaseModel):
    """The node failed."""

    outcome: Literal["errored"]
    state_id: str
    error: str


class PrunedOutcome(BaseModel):
    """The node ended its branch."""

    outcome: Literal["prune"]
    state_id: str
    data: dict[str, Any]


class RequeuedOutcome(BaseModel):
    """The node wants to run again after so many milliseconds."""

    outcome: Literal["re-enqueue-after"]
    state_id: str
    enqueue_after: int = Field(gt=0)


AnyOutcome = Annotated[
    ExecutedOutcome | ErroredOutcome | PrunedOutcome | RequeuedOutcome, Field(discriminator="outcome")
]


class OutcomesRequest(BaseModel):
    """Outcomes of several node states; each counts by itself."""

    outcomes: list[AnyOutcome] = Field(max_length=MOST_OUTCOMES)


class OutcomeResult(BaseModel):
    """What the outcome would have been answered by itself."""

    state_id: str
    status_code: int
    body: dict[str, Any]


class OutcomesResponse(BaseModel):
    """Results in the order of the outcomes."""

    results: list[OutcomeResult]


class RunInfo(BaseModel):
    """A run; ``counts`` are its node states by status."""

    run_id: str
    graph_name: str
    status: RunState
    counts: dict[StateStatus, int]
    trigger_id: str | None
    created_at: datetime
    cancelled_at: datetime | None


class RunPage(BaseModel):
    """Runs, the newest first."""

    runs: list[RunInfo]
    next: int | None


class RunFilter(BaseModel):
    """Which runs to list."""

    graph_name: str | None = None
    status: RunState | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    before: Cursor | None = None
    limit: Limit = 100


class StateSummary(BaseModel):
    """A node state without what went in and came out."""

    id: str
    run_id: str
    graph_name: str
    namespace: str
    node_name: str
    identifier: str
    status: StateStatus
    error: str | None
    retry_count: int
    enqueue_after: datetime
    lease_until: datetime | None
    created_at: datetime
    updated_at: datetime


class StateInfo(StateSummary):
    """Everything about a node state; ``deadline`` is when its present execution must have ended."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    data: dict[str, Any] | None
    parents: dict[str, str]
    claims: int
    timeout: int | None
    deadline: datetime | None


class StatePage(BaseModel):
    """Node states, the newest first."""

    states: list[StateSummary]
    next: int | None


class StateFilter(BaseModel):
    """Which node states to list."""

    run_id: str | None = None
    status: list[StateStatus] = Field(default_factory=list)
    node_name: str | None = None
    identifier: str | None = None
    before: Cursor | None = None
    limit: Limit = 100


class CancelResponse(BaseModel):
    """How many node states will not be executed any more."""

    run_id: str
    cancelled: int


class RetryFailedRequest(BaseModel):
    """``fanout_id`` makes the retry idempotent: the same one twice is refused."""

    fanout_id: str = Field(min_length=1, max_length=200)


class RetryFailedResponse(BaseModel):
    """Ids of the new node states."""

    run_id: str
    created: list[str]


class StoreValues(BaseModel):
    """Values of the store of a run, defaults of its flow included."""

    values: dict[str, str]


class StoreChanges(BaseModel):
    """Values to set; null lets a key have its default again, or none."""

    values: dict[str, str | None] = Field(max_length=MOST_VALUES)

    @field_validator("values")
    @classmethod
    def _check_keys(cls, values: dict[str, str | None]) -> dict[str, str | None]:
        for key in values:
            if not key.strip() or key != key.strip():
                raise ValueError("Key cannot be empty or start or end with whitespace")
            if "." in key:
                raise ValueError(f"Key '{key}' cannot contain '.' character")
        return values


class TriggerTick(BaseModel):
    """A time of a trigger: TRIGGERED, FAILED, SKIPPED, or WAITING for the end of another run."""

    due_at: datetime
    status: str
    run_id: str | None
    error: str | None


class TriggerInfo(BaseModel):
    """A cron trigger of a flow."""

    id: str
    graph_name: str
    trigger: CronTrigger
    paused: bool
    next_at: datetime
    created_at: datetime


class TriggerDetails(TriggerInfo):
    """A cron trigger with its last times, the newest first."""

    ticks: list[TriggerTick]


class TriggerList(BaseModel):
    """The cron triggers of a namespace."""

    triggers: list[TriggerInfo]


class DeletedFlow(BaseModel):
    """A flow that is no more; its runs go on, and stay until they are removed."""

    graph_name: str
    status: Literal["DELETED"] = "DELETED"


class NewKey(BaseModel):
    """An API key to make, for these namespaces alone."""

    name: str = Field(min_length=1, max_length=200)
    namespaces: list[str] = Field(min_length=1, max_length=100)


class KeyInfo(BaseModel):
    """An API key; what requests carry is never shown again."""

    id: str
    name: str
    namespaces: list[str]
    created_at: datetime


class MadeKey(KeyInfo):
    """A new API key; ``key`` is what requests carry."""

    key: str


class KeyList(BaseModel):
    """API keys in the order of their creation."""

    keys: list[KeyInfo]


class RevokedKey(BaseModel):
    """An API key that no longer works."""

    id: str
    status: Literal["REVOKED"] = "REVOKED"
