"""A node whose work is a step in some language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ValidationError

from groundup.nodes.fields import described, write_fields
from groundup.nodes.run_nodes import RunFailedError, beside
from groundup.nodes.runtimes import IsolatedNode
from groundup.nodes.threads import in_stoppable_thread

if TYPE_CHECKING:
    from groundup.execution.languages import StepResult


class StepNode(IsolatedNode):
    """Runs a step: its inputs are the node's, its outputs are read into ``Outputs``.

    Secrets are variables of the step, named like their fields. What it writes is logged. A step that is
    cancelled is killed with all that it started.

    :cvar step: path of a step file, relative to the one that defines the class.
    :cvar timeouts: seconds by phase, over those of the step file.
    """

    step: ClassVar[str | Path] = ""
    timeouts: ClassVar[Mapping[Literal["install", "supply", "run"], float]] = {}

    @classmethod
    def problems(cls) -> Iterator[str]:
        """What is wrong with the class."""
        yield from super().problems()
        if not cls.step:
            yield f"{cls.__name__} has no step"
        elif not beside(cls, cls.step).is_file():
            yield f"{cls.__name__}: there is no step {beside(cls, cls.step)}"

    async def execute(self) -> BaseModel:
        """Run the step.

        :raises RunFailedError: when it fails, or its outputs are not those of the node.
        """
        from groundup.execution.languages import StepFailed

        try:
            result = await in_stoppable_thread(self._run)
        except StepFailed as error:
            raise RunFailedError(f"{error}; {error.hint}") from error
        return self._outputs(result.outputs)

    def _run(self, stop: int) -> StepResult:
        from groundup.execution.languages import run_step

        return run_step(
            beside(type(self), self.step),
            on=self.runtime(),
            inputs=self.inputs.model_dump(mode="json", by_alias=True),
            env=write_fields(self.secrets),
            timeouts=self.timeouts,
            on_phase=lambda phase: self.context.logger.debug("phase %s", phase),
            on_stdout=self._told,
            on_stderr=self._told,
            stop=stop,
        )

    def _outputs(self, outputs: Mapping[str, Any]) -> BaseModel:
        model = type(self).Outputs
        try:
            return model.model_validate(dict(outputs))
        except ValidationError as error:
            raise RunFailedError(described(model, error)) from None

    def _told(self, text: str) -> None:
        for line in text.splitlines():
            self.context.logger.info("%s", line)
