"""``groundup step run STEP``: a step in any language; ``groundup step schema``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from groundup.cli.place import Where, runtime_at
from groundup.errors import UserError

if TYPE_CHECKING:
    from groundup.execution.languages.errors import Phase
    from groundup.execution.languages.result import PhaseResult, StepResult

T = TypeVar("T")
PHASES: tuple[Phase, ...] = ("install", "supply", "run")


def run(  # noqa: PLR0913 - the options of a run
    path: str,
    *,
    where: Where,
    inputs: Sequence[str] = (),
    artifacts: Sequence[str] = (),
    component: Path | None = None,
    timeouts: Sequence[str] = (),
    variables: Sequence[str] = (),
    output: Path | None = None,
    as_json: bool = False,
) -> int:
    """Run the step in a file; what it writes goes to stderr, its checked outputs to stdout.

    :param inputs: values of inputs, each ``NAME=VALUE``.
    :param artifacts: JSON files for inputs, each ``NAME=FILE``.
    :param timeouts: limits, each ``PHASE=SECONDS``.
    :param variables: variables for the run, each ``NAME=VALUE``.
    :param output: a folder to write the outputs into.
    :raises UserError: something is wrong that can be seen before anything starts.
    :raises StepFailed: a phase failed or took too long, or an output is wrong.
    """
    from groundup.execution.languages import read_step, run_step
    from groundup.execution.languages.values import values_from_texts

    make_models_importable()
    step = read_step(path)
    run_it = partial(
        run_step,
        step,
        inputs=values_from_texts(step, _pairs("--input", inputs, str)),
        artifacts=_pairs("--artifact", artifacts, Path),
        component=component,
        timeouts=_limits(timeouts),
        env=_pairs("--env", variables, str),
        check=False,
        on_phase=partial(_announce, step.file.language),
        on_wait=partial(_announce_wait, step.file.language),
        on_stdout=_relay,
        on_stderr=_relay,
    )
    with runtime_at(where) as runtime:
        result = run_it(on=runtime)
    return _told(result, output, as_json=as_json)


def schema(name: str) -> int:
    """Print a published JSON schema: step, given or language."""
    from groundup.execution.languages.schemas import published

    sys.stdout.write(published(name))
    return 0


def make_models_importable() -> None:
    """Let steps name pydantic models of the repository; those of the environment come before them."""
    from groundup import proto_kernel

    if proto_kernel.read_stamp(sys.prefix) is not None:
        from groundup.config import load_config
        from groundup.states.importing import append_path

        append_path(load_config().root)


def _told(result: StepResult, output: Path | None, *, as_json: bool) -> int:
    if result.ok and output is not None:
        from groundup.execution.languages.outputs import write_outputs

        output.mkdir(parents=True, exist_ok=True)
        write_outputs(output, result.outputs)
    if as_json:
        sys.stdout.write(json.dumps(_data(result), indent=2) + "\n")
    elif result.outputs:
        sys.stdout.write(f"{result}\n")
    if result.error is not None:
        raise result.error
    return 0


def _data(result: StepResult) -> dict[str, Any]:
    error = result.error
    return {
        "step": result.step,
        "status": "SUCCESS" if result.ok else "FAILURE",
        "environment": result.environment,
        "outputs": dict(result.outputs),
        "artifacts": {name: str(result.artifact(name)) for name in result.outputs},
        "phases": [_phase_data(phase) for phase in result.phases],
        "folder": str(result.folder),
        "error": None if error is None else {"phase": error.phase, "message": str(error), "hint": error.hint},
    }


def _phase_data(done: PhaseResult) -> dict[str, Any]:
    return {
        "phase": done.phase,
        "cached": done.is_cached,
        "seconds": round(done.seconds, 3),
        "exit_code": done.result.exit_code if done.result else None,
        "log": str(done.log),
    }


def _pairs(option: str, given: Sequence[str], read: Callable[[str], T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or name in found:
            what = "is there already" if name in found else "is not NAME=VALUE"
            raise UserError(
                f"{option} {text!r} {what}", hint=f"such as {option} name=value, once for each name"
            )
        found[name] = read(value)
    return found


def _limits(given: Sequence[str]) -> dict[Phase, float | None]:
    texts = _pairs("--timeout", given, str)
    limits: dict[Phase, float | None] = {
        phase: _seconds(texts.pop(phase)) for phase in PHASES if phase in texts
    }
    for name in texts:
        raise UserError(f"--timeout {name}: there is no such phase", hint=f"phases: {', '.join(PHASES)}")
    return limits


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= 10**7:
        raise UserError(f"--timeout: {text!r} is no number of seconds", hint="such as --timeout run=60")
    return seconds


def _announce(language: str, phase: Phase) -> None:
    if phase != "run":  # the others may take minutes and write nothing here
        sys.stderr.write(f"{phase} of {language} …\n")


def _announce_wait(language: str, phase: Phase) -> None:
    sys.stderr.write(f"{phase} of {language}: waiting for another process that does it …\n")


def _relay(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
