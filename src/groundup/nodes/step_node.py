"""A node whose work is a step in some language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ValidationError

from groundup.nodes.fields import described, write_fields
from groundup.nodes.run_nodes import RunFailedError, beside
from groundup.nodes.runtimes import IsolatedNode


class StepNode(IsolatedNode):
    """Runs a step: its inputs are the node's, its outputs are read into ``Outputs``.

    Secrets are variables of the step, named like their fields. What it writes is logged. A step that is
    cancelled is killed at the next thing that it writes; with ``limits`` at once.

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

    def execute(self) -> BaseModel:
        """Run the step.

        :raises RunFailedError: when it fails, or its outputs are not those of the node.
        """
        from groundup.execution.languages import StepFailed, run_step

        try:
            result = run_step(
                beside(type(self), self.step),
                on=self.runtime(),
                inputs=self.inputs.model_dump(mode="json", by_alias=True),
                env=write_fields(self.secrets),
                timeouts=self.timeouts,
                on_phase=self._begin,
                on_stdout=self._told,
                on_stderr=self._told,
            )
        except StepFailed as error:
            raise RunFailedError(f"{error}; {error.hint}") from error
        return self._outputs(result.outputs)

    def _outputs(self, outputs: Mapping[str, Any]) -> BaseModel:
        model = type(self).Outputs
        try:
            return model.model_validate(dict(outputs))
        except ValidationError as error:
            raise RunFailedError(described(model, error)) from None

    def _begin(self, phase: str) -> None:
        self.context.logger.debug("phase %s", phase)
        self.context.check_cancelled()

    def _told(self, text: str) -> None:
        for line in text.splitlines():
            self.context.logger.info("%s", line)
        self.context.check_cancelled()
