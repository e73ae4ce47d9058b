"""What a run of a step gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.execution.languages.errors import Phase, StepFailed
from groundup.execution.languages.strict_json import dump
from groundup.execution.result import ExecutionResult


@dataclass(frozen=True)
class PhaseResult:
    """One phase of a run.

    :ivar is_cached: whether an earlier run had done it.
    :ivar log: everything that its executable wrote, then or now.
    :ivar result: how its executable ended; None when an earlier run had done it.
    """

    phase: Phase
    is_cached: bool
    log: Path
    result: ExecutionResult | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.result.duration if self.result else 0.0


@dataclass(frozen=True)
class StepResult:
    """A run of a step; ``str(result)`` is its outputs, a line each.

    :ivar step: name of the step.
    :ivar environment: where it ran, such as ``host:process-group``.
    :ivar outputs: the checked value of each output, by name; none when it failed.
    :ivar phases: what was done, in order.
    :ivar folder: the run's folder, with logs and artifacts.
    :ivar error: why it failed; None when it did not.
    """

    step: str
    environment: str
    outputs: Mapping[str, Any]
    phases: tuple[PhaseResult, ...]
    folder: Path
    error: StepFailed | None = None

    @property
    def ok(self) -> bool:
        """Whether it ran to its end and gave the outputs that it declares."""
        return self.error is None

    def artifact(self, name: str) -> Path:
        """Return the JSON file of an output."""
        return self.folder / "outputs" / f"{name}.json"

    def __str__(self) -> str:
        return "\n".join(f"{name} = {dump(value).decode().strip()}" for name, value in self.outputs.items())
