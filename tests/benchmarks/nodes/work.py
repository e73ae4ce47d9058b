"""The work of the benchmark: nodes that do nothing but hand a text on."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from groundup.nodes import BaseNode

NAMESPACE = "bench"
FLOW = "chain"


class First(BaseNode):
    """Begins a chain."""

    class Inputs(BaseModel):
        text: str

    class Outputs(BaseModel):
        text: str

    async def execute(self) -> Outputs:
        return self.Outputs(text=self.inputs.text)


class Next(First):
    """Goes on with what came before."""


NODES = (First, Next)


def flow_nodes(length: int) -> list[dict[str, Any]]:
    """The nodes of a flow that is a chain of so many, each with the output of the one before."""
    return [
        {
            "node_name": (First if number == 0 else Next).__name__,
            "namespace": NAMESPACE,
            "identifier": f"n{number}",
            "inputs": {"text": "" if number == 0 else f"${{{{ n{number - 1}.outputs.text }}}}"},
            "next_nodes": [f"n{number + 1}"] if number + 1 < length else [],
        }
        for number in range(length)
    ]
