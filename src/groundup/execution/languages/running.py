"""Running a step: everything is checked, then its language is taken through its phases."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.errors import UserError
from groundup.execution.languages.errors import Phase, StepFailed, outputs_wrong
from groundup.execution.languages.folders import RunFolder, run_folder
from groundup.execution.languages.language import Folders, Language, find_language
from groundup.execution.languages.outputs import collect_outputs, write_outputs
from groundup.execution.languages.phases import OnPhase, Phases, Watching
from groundup.execution.languages.result import PhaseResult, StepResult
from groundup.execution.languages.runtime import command_runtime
from groundup.execution.languages.settings import configured_languages
from groundup.execution.languages.step import Step, read_step
from groundup.execution.languages.types import Type, types_of
from groundup.execution.languages.values import Artifacts, input_values
from groundup.execution.process import Callback


def run_step(  # noqa: PLR0913 - the options of a run
    step: str | os.PathLike[str] | Step,
    *,
    on: str | Any = "host",
    inputs: Mapping[str, Any] | None = None,
    artifacts: Artifacts | None = None,
    component: str | os.PathLike[str] | None = None,
    languages: Folders | None = None,
    timeouts: Mapping[Phase, float] | Mapping[Phase, float | None] | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    on_phase: OnPhase = lambda _phase: None,
    on_wait: OnPhase = lambda _phase: None,
    on_stdout: Callback | None = None,
    on_stderr: Callback | None = None,
    stop: int | None = None,
) -> StepResult:
    """Run a step in its language.

    Step file, language, parameters, types and inputs are checked before anything starts. What install and
    supply make is kept and found again by fingerprint.

    :param step: path of a step file, or what `read_step` returned.
    :param on: host, sandbox, container, or an execution runtime.
    :param inputs: values, over those of the step file.
    :param artifacts: JSON files with values of inputs.
    :param component: the folder with the step's code; by default the step file's own.
    :param languages: folders of languages besides those that are built in, by name; by default those of the
        configuration.
    :param timeouts: seconds by phase, over those of the step file; None for no limit.
    :param env: variables for run, over those of the step file.
    :param check: raise when it fails; otherwise the result tells.
    :param on_phase: called with each phase whose executable begins.
    :param on_wait: called with each phase that another process is busy with, before waiting for it.
    :param on_stdout: called with what run writes, as it arrives; so is `on_stderr`.
    :param stop: a descriptor; when it becomes readable, what runs is killed and :class:`Stopped` is raised.
    :raises UserError: something is wrong that can be seen before anything starts; says all of it.
    :raises StepFailed: a phase failed or took too long, or an output is wrong; not when `check` is False.
    """
    read = step if isinstance(step, Step) else read_step(step)
    known = configured_languages() if languages is None else languages
    work = _Work.checked(read, inputs or {}, artifacts or {}, component, known)
    watching = Watching(
        on_phase=on_phase, on_wait=on_wait, on_stdout=on_stdout, on_stderr=on_stderr, stop=stop
    )
    runtime = command_runtime(on)
    with run_folder(read.name) as folder:
        limits = {**read.file.timeouts.limits(), **(timeouts or {})}
        with Phases(work.language, runtime, folder, read.name, timeouts=limits, watching=watching) as phases:
            result = _run(work, phases, {**read.file.env, **(env or {})})
    if check and result.error is not None:
        raise result.error
    return result


@dataclass(frozen=True)
class _Work:
    """A step that can start."""

    step: Step
    component: Path
    language: Language
    types: Mapping[str, Type]
    values: Mapping[str, Any]

    @classmethod
    def checked(
        cls,
        step: Step,
        inputs: Mapping[str, Any],
        artifacts: Artifacts,
        component: str | os.PathLike[str] | None,
        languages: Folders,
    ) -> _Work:
        folder = (step.folder if component is None else Path(component)).resolve()
        if not folder.is_dir():
            raise UserError(f"there is no folder {folder}", hint="correct the component")
        language = find_language(step.file.language, languages)
        language.check_parameters(step, folder)
        types = types_of(step)
        return cls(step, folder, language, types, input_values(step, types, inputs, artifacts))

    def given(self) -> dict[str, Any]:
        """Return what run is given of the step."""
        declared = self.step.file.inputs
        return {
            "name": self.step.name,
            "parameters": self.step.file.parameters,
            "inputs": {name: (declared[name].type, value) for name, value in self.values.items()},
            "outputs": self.step.file.outputs,
            "types": {name: self.types[name].schema for name in self.step.file.types},
        }


def _run(work: _Work, phases: Phases, env: Mapping[str, str]) -> StepResult:
    outputs: dict[str, Any] = {}
    error = None
    try:
        done = phases.run(work.component, env, **work.given())
        outputs = _outputs(work, phases.folder, done)
        phases.folder.tidy()
    except StepFailed as failed:
        error = failed
    return StepResult(
        step=work.step.name,
        environment=phases.runtime.environment,
        outputs=outputs,
        phases=tuple(phases.done.values()),
        folder=phases.folder.path,
        error=error,
    )


def _outputs(work: _Work, folder: RunFolder, done: PhaseResult) -> dict[str, Any]:
    values, problems = collect_outputs(folder.path / "run" / "outputs", work.step.file.outputs, work.types)
    if problems and done.result is not None:
        raise outputs_wrong(work.step.name, problems, done.result, done.log)
    write_outputs(folder.outputs, values)
    return values
