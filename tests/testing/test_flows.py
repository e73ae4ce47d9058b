"""Flows that are run whole by their tests."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import BaseModel

from groundup.nodes import BaseNode, GraphNodeModel, RetryPolicyModel, RunStatus
from groundup.nodes.errors import StateManagerError, WaitTimeoutError
from groundup.testing import arun_flow, run_flow


class Numbers(BaseModel):
    numbers: list[int]


class Total(BaseModel):
    total: int


class Add(BaseNode):
    Inputs = Numbers
    Outputs = Total

    async def execute(self) -> Total:
        return Total(total=sum(self.inputs.numbers))


class Check(BaseNode):
    Inputs = Total

    class Secrets(BaseModel):
        most: int

    async def execute(self) -> None:
        if self.inputs.total > self.secrets.most:
            raise ValueError("too much")
        if self.inputs.total == 0:
            await asyncio.Event().wait()


def place(node: type[BaseNode], identifier: str, *following: str, **inputs: str) -> GraphNodeModel:
    return GraphNodeModel(
        node_name=node.__name__,
        namespace="sums",
        identifier=identifier,
        inputs=inputs,
        next_nodes=list(following),
    )


FLOW = [place(Add, "add", "check", numbers="[1, 2]"), place(Check, "check", total="${{ add.outputs.total }}")]


def test_what_became_of_it_is_told() -> None:
    run = run_flow([Add, Check], FLOW, inputs={"numbers": "[3, 4]"}, secrets={"most": "10"})
    assert (run.status, run.outputs("add"), run.errors()) == (RunStatus.SUCCESS, [{"total": "7"}], {})
    assert [node.identifier for node in run.nodes] == ["add", "check"]


def test_a_failure_is_not_tried_again_unless_that_is_asked_for() -> None:
    run = run_flow([Add, Check], FLOW, secrets={"most": "2"})
    assert (run.status, run.errors()) == (RunStatus.FAILED, {"check": "too much"})
    assert len(run.nodes) == 2
    policy = RetryPolicyModel(max_retries=1, backoff_factor=1)
    assert len(run_flow([Add, Check], FLOW, secrets={"most": "2"}, retry_policy=policy).nodes) == 3


def test_a_wrong_flow_and_an_endless_one_are_errors() -> None:
    with pytest.raises(StateManagerError, match="Secret most is required"):
        run_flow([Add, Check], FLOW)
    with pytest.raises(WaitTimeoutError, match=r"has not ended after 0\.5 s"):
        run_flow([Add, Check], FLOW, inputs={"numbers": "[]"}, secrets={"most": "1"}, timeout=0.5)


def test_it_is_awaited_where_a_loop_runs() -> None:
    async def main() -> None:
        run = await arun_flow([Add, Check], FLOW, secrets={"most": "10"})
        assert run.status is RunStatus.SUCCESS

    asyncio.run(main())
