"""Nodes run alone, as their tests run them."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel

from groundup.nodes import BaseNode, PruneSignal
from groundup.nodes.context import NodeContext
from groundup.nodes.errors import RuntimeConfigurationError
from groundup.nodes.execution import NodeResultError
from groundup.nodes.fields import FieldsError
from groundup.nodes.testing import arun_node, run_node


class Due(BaseNode):
    class Inputs(BaseModel):
        day: date
        names: list[str] = []

    class Outputs(BaseModel):
        text: str

    class Secrets(BaseModel):
        key: str = "none"

    async def execute(self) -> list[Outputs]:
        return [
            self.Outputs(text=f"{name} {self.inputs.day:%d.%m.} {self.secrets.key}")
            for name in self.inputs.names
        ]


def texts(outputs: list[Any]) -> list[str]:
    return [output.text for output in outputs]


@pytest.mark.parametrize(
    "inputs",
    [
        {"day": date(2026, 1, 2), "names": ["a", "b"]},
        {"day": "2026-01-02", "names": ["a", "b"]},
        {"day": "2026-01-02", "names": '["a", "b"]'},
        Due.Inputs(day=date(2026, 1, 2), names=["a", "b"]),
    ],
)
def test_inputs_are_values_or_as_they_travel(inputs: Any) -> None:
    outputs = run_node(Due, inputs, {"key": "k"})
    assert texts(outputs) == ["a 02.01. k", "b 02.01. k"]
    assert isinstance(outputs[0], Due.Outputs)
    assert run_node(Due, {"day": date(2026, 1, 2)}) == []


@pytest.mark.parametrize("inputs", [{"day": "s3cret"}, {"day": 5.5, "names": [1]}, {}])
def test_what_does_not_fit_is_an_error_without_the_values(inputs: Any) -> None:
    with pytest.raises(FieldsError, match=r"validation errors? for Inputs") as caught:
        run_node(Due, inputs)
    assert "s3cret" not in str(caught.value)


def test_a_plain_node_uses_the_store_and_its_context() -> None:
    class Plain(BaseNode):
        def execute(self) -> None:
            asking = self.context.blocking
            assert asking.read_store() == {"a": "1", "b": "2"}
            assert asking.heartbeat()
            asking.write_store({"run": str(self.context.run_id), "b": None})

    store = {"a": "1", "b": "2"}
    assert run_node(Plain, store=store, context=NodeContext(node_name="Plain", run_id="r")) == []
    assert store == {"a": "1", "run": "r"}


def test_signals_and_errors_arrive_as_they_are() -> None:
    class Pruning(BaseNode):
        async def execute(self) -> None:
            raise PruneSignal({"a": 1})

    class Wrong(BaseNode):
        async def execute(self) -> Any:
            return "text"

    with pytest.raises(PruneSignal):
        run_node(Pruning)
    with pytest.raises(NodeResultError, match="execute returned str, expected Outputs"):
        run_node(Wrong)
    with pytest.raises(RuntimeConfigurationError, match="int does not inherit"):
        run_node(int)  # type: ignore[arg-type]


def test_it_works_where_a_loop_runs_too() -> None:
    async def main() -> None:
        inputs = {"day": "2026-01-02", "names": ["x"]}
        assert texts(run_node(Due, inputs)) == ["x 02.01. none"]
        assert texts(await arun_node(Due, inputs)) == ["x 02.01. none"]

    asyncio.run(main())
