"""The two nodes of the quickstart's flow, and the flow."""

from __future__ import annotations

from pydantic import BaseModel

from groundup.nodes import BaseNode, GraphNodeModel, RetryPolicyModel, RetryStrategyEnum

NAMESPACE = "quickstart"
RETRIES = RetryPolicyModel(max_retries=1, strategy=RetryStrategyEnum.FIXED, backoff_factor=100)


class Measure(BaseNode):
    """Counts the lines of a text and finds the longest."""

    class Inputs(BaseModel):
        """What it measures."""

        text: str

    class Outputs(BaseModel):
        """What it found."""

        lines: str
        longest: str

    inputs: Inputs

    async def execute(self) -> Outputs:
        """Measure the text."""
        lines = self.inputs.text.splitlines()
        return self.Outputs(lines=str(len(lines)), longest=max(lines, key=len, default=""))


class Tell(BaseNode):
    """Puts what was measured into a sentence."""

    class Inputs(BaseModel):
        """What was measured."""

        lines: str
        longest: str

    class Outputs(BaseModel):
        """The sentence."""

        sentence: str

    inputs: Inputs

    async def execute(self) -> Outputs:
        """Make the sentence."""
        measured = self.inputs
        return self.Outputs(sentence=f"{measured.lines} lines, the longest: {measured.longest}")


FLOW = [
    GraphNodeModel(
        node_name="Measure",
        namespace=NAMESPACE,
        identifier="measure",
        inputs={"text": "initial"},
        next_nodes=["tell"],
    ),
    GraphNodeModel(
        node_name="Tell",
        namespace=NAMESPACE,
        identifier="tell",
        inputs={
            "lines": "${{ measure.outputs.lines }}",
            "longest": "${{ measure.outputs.longest }}",
        },
    ),
]
