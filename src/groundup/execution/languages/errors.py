"""Errors of steps and of the languages that they are written in.

::

    GroundupError
    ├── UserError
    │   ├── StepError        a step file, an input or a type is wrong; nothing was started
    │   └── LanguageError    a language is not there, or breaks the contract
    └── StepFailed           a phase failed or took too long, or outputs are not what was declared
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from groundup.errors import GroundupError, UserError
from groundup.execution.result import ExecutionResult

Phase = Literal["install", "supply", "run"]
FailedPhase = Literal["install", "supply", "run", "outputs"]

_END = 4096  # bytes, in which the last line is looked for
WRONG_STEP = 64  # an executable's word for: the step cannot work as it is written
MAKE_AGAIN = 75  # an executable's word for: what the phase before me made does not work any more


class StepError(UserError):
    """A step file, an input or a type is wrong."""


class LanguageError(UserError):
    """A language is not there, or it breaks the contract."""


@contextmanager
def needing_extra(what: str = "steps need") -> Iterator[None]:
    """Turn an import that fails for want of the extra ``languages`` into an error that names it.

    :param what: the beginning of the message.
    :raises UserError: a library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"{what} groundup[languages]: {error.name} is not installed",
            hint="write groundup[languages] in the dependencies, or the extra in the table projects",
        ) from None


class StepFailed(GroundupError):  # noqa: N818 - as ExecutionFailed
    """A step failed.

    :param step: name of the step.
    :param phase: where: install, supply, run, or outputs when what it wrote is not what was declared.
    :param what: what happened.
    :param result: of the phase that failed.
    :param log: everything that the phase wrote.
    """

    def __init__(  # noqa: PLR0913 - all that is known of a failure
        self,
        step: str,
        phase: FailedPhase,
        what: str,
        *,
        result: ExecutionResult,
        log: Path,
        hint: str = "",
        exit_code: int = 1,
    ) -> None:
        super().__init__(f"step {step}: {what}", hint=hint, exit_code=exit_code)
        self.step = step
        self.phase: FailedPhase = phase
        self.what = what
        self.result = result
        self.log = log

    @property
    def timed_out(self) -> bool:
        """Whether the phase took too long and was killed."""
        return self.result.phase == "timeout"

    def __reduce__(self) -> tuple[object, ...]:
        return _step_failed, (
            (self.step, self.phase, self.what),
            {"result": self.result, "log": self.log, "hint": self.hint, "exit_code": self.exit_code},
        )


class Again(StepFailed):
    """An executable says that what the phase before it made does not work any more."""


def _step_failed(words: tuple[str, FailedPhase, str], more: dict[str, object]) -> StepFailed:
    return StepFailed(*words, **more)  # type: ignore[arg-type]


def phase_failed(step: str, language: str, phase: Phase, result: ExecutionResult, log: Path) -> StepFailed:
    """Return the error for a phase whose executable did not exit with 0."""
    ended = result.exit_code if result.phase == "run" else None
    code = result.exit_code if phase == "run" else 1
    kind = Again if ended == MAKE_AGAIN and phase != "install" else StepFailed
    return kind(
        step,
        phase,
        f"{phase} of {language} {_outcome(result)}",
        result=result,
        log=log,
        hint=f"{_last_words(result)}; everything that it wrote is in {log}",
        exit_code=UserError.exit_code if ended == WRONG_STEP else code,
    )


def outputs_wrong(step: str, problems: Sequence[str], result: ExecutionResult, log: Path) -> StepFailed:
    """Return the error for outputs that are not those that the step declares."""
    hint = f"correct the step or its declaration of outputs; what it wrote is in {log}"
    return StepFailed(step, "outputs", "\n".join(problems), result=result, log=log, hint=hint)


def _outcome(result: ExecutionResult) -> str:
    if result.phase == "timeout":
        return f"did not end within {result.duration:.1f} s and was killed"
    if result.exit_code > 128 and result.exit_code - 128 in {*signal.Signals}:
        return f"was ended by {signal.Signals(result.exit_code - 128).name}"
    if result.exit_code == WRONG_STEP:
        return f"says that the step is wrong (exit code {WRONG_STEP})"
    return f"failed with exit code {result.exit_code}"


def _last_words(result: ExecutionResult) -> str:
    end = b""
    for chunk in result.stderr_chunks():  # it may be larger than memory
        end = (end + chunk)[-_END:]
    lines = [line.strip() for line in end.decode("utf-8", "replace").splitlines() if line.strip()]
    return f"its last words: {lines[-1]}" if lines else "it wrote nothing to stderr"
