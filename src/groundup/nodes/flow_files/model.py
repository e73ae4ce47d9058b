"""What a flow file says. The published schema of flow files is made of these models."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints

from groundup.nodes.models import (
    ConditionModel,
    CronTrigger,
    GraphNodeModel,
    RetryPolicyModel,
    StoreConfigModel,
    UnitesModel,
)

_STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


def _as_text(value: Any) -> Any:
    """A value as it travels: text as it is, everything else as JSON text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, allow_nan=False)


def _as_table(value: Any) -> Any:
    return {"identifier": value} if isinstance(value, str) else value


def _refuse_literal(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError('a secret never stands in the file: write { variable = "NAME" } in its place')
    return value


def _by_name(value: Any) -> Any:
    """A list of names stands for secrets in variables of these names."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: {"variable": name} for name in value}
    return value


Value = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=JsonValue)]


class Unites(UnitesModel):
    """Makes a node a join of the branches that start at another one."""

    model_config = _STRICT


class RetryPolicy(RetryPolicyModel):
    """How often and after which delays a failed node state is tried again; times in milliseconds."""

    model_config = _STRICT


class StoreConfig(StoreConfigModel):
    """Keys of a run's store."""

    model_config = _STRICT

    required_keys: list[str] = Field(default_factory=list, description="What a trigger must pass")
    default_values: dict[str, Value] = Field(default_factory=dict, description="Values of the other keys")


class Cron(CronTrigger):
    """Starts runs at the times of a cron expression."""

    model_config = _STRICT

    inputs: dict[str, Value] | None = None
    store: dict[str, Value] | None = None


class Secret(BaseModel):
    """Where the value of a secret is; it never stands in the file itself."""

    model_config = _STRICT

    variable: Variable
    """A variable of the process that saves the flow, or of `.env` in root."""


class Condition(ConditionModel):
    """Lets a next node follow only where a text is among some others, or is not."""

    model_config = _STRICT

    value: str = Field(description="Text with placeholders, of this node's own outputs too")
    one_of: list[Value] | None = Field(default=None, description="It follows where the text is one of these")
    none_of: list[Value] | None = Field(
        default=None, description="It follows where the text is none of these"
    )


class FlowNode(GraphNodeModel):
    """A place in the flow, and the node that runs there."""

    model_config = _STRICT

    node_name: str = Field(description="Name of the registered node: its class name")
    namespace: str = Field(default="", description="Where the node is registered; default: the flow's")
    identifier: str = Field(description="Name of this place, unique in the flow")
    inputs: dict[str, Value] = Field(
        default_factory=dict, description="Text with placeholders; what is no text travels as JSON text"
    )
    next_nodes: list[str] | None = Field(default=None, description="Identifiers of what follows")
    unites: Annotated[Unites, BeforeValidator(_as_table, json_schema_input_type=Unites | Text)] | None = (
        Field(default=None, description="Makes it a join; a text stands for the identifier alone")
    )
    retry_policy: RetryPolicy | None = Field(default=None, description="In the place of the flow's")
    timeout: int | None = Field(default=None, gt=0, description="Milliseconds that one execution may take")
    conditions: dict[Text, Condition] | None = Field(
        default=None, description="Of some next nodes, by identifier: whether they follow"
    )


_OneSecret = Annotated[Secret, BeforeValidator(_refuse_literal, json_schema_input_type=Secret)]
_Secrets = Annotated[
    dict[Text, _OneSecret],
    BeforeValidator(_by_name, json_schema_input_type=dict[Text, Secret] | list[Variable]),
]


class FlowFile(BaseModel):
    """A flow: which nodes run, with which inputs, and what follows what."""

    model_config = ConfigDict(title="groundup flow", **_STRICT)

    schema_link: str = Field(default="", alias="$schema")
    """Address of this schema, for editors."""
    name: Text | None = None
    """Default: the file's name without its ending."""
    namespace: Text | None = None
    """Where the flow is saved; default: what the command says."""
    description: str = ""
    """For readers of the file."""
    nodes: Annotated[list[FlowNode], Field(min_length=1)]
    """Exactly one of them must be the root, which nothing leads to."""
    secrets: _Secrets = Field(default_factory=dict)
    """By name; a list of names stands for variables of these names."""
    retry_policy: RetryPolicy = Field(default_factory=RetryPolicy)
    """For all nodes that have none of their own."""
    store_config: StoreConfig = Field(default_factory=StoreConfig)
    """Keys of the store that each run has."""
    triggers: list[Cron] = Field(default_factory=list)
    """Times at which runs start by themselves."""
