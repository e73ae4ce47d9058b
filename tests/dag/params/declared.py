"""Models and states whose parameters the tests give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from groundup.dag import AnyState, Params, StateGraph, state
from groundup.dag.params.models import check_params, resolve_params
from groundup.dag.params.source import ParamSource


class Limits(BaseModel):
    cpu: int = 1
    memory: str = "1G"


class Deployment(BaseModel):
    region: str
    version: str = "1"
    replicas: int = Field(default=1, gt=0)
    hosts: list[str] = []
    limits: Limits = Limits()


@state
def deploy(params: Params[Deployment]) -> Deployment:
    return params


@state
def plain() -> int:
    return 1


class Words(BaseModel):
    text: str


@state
def told(params: Params[Words]) -> None: ...


GRAPH = StateGraph([deploy, plain])


def resolved(source: ParamSource, of: AnyState = deploy) -> Any:
    check_params(GRAPH, source)
    return resolve_params(of, source)


def from_file(values: Mapping[str, Any]) -> ParamSource:
    """Return the source of a file in which everything stands at line 7."""
    return ParamSource(values, lambda path: f"groundup.toml:7 {'.'.join(map(str, path))}")
