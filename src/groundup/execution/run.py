"""What a run is given, whatever it runs and wherever."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypedDict

from groundup.errors import UserError
from groundup.execution.result import ExecutionFailed, ExecutionResult
from groundup.execution.streams import Callback, Stdin

Argument = str | os.PathLike[str]


class RunOptions(TypedDict, total=False):
    """Options of a run that is streamed: those of ``run_project`` without its callbacks."""

    env: Mapping[str, str] | None
    stdin: Stdin | None
    cwd: Argument | None
    timeout: float | None
    check: bool
    capture_output: bool


@dataclass(frozen=True)
class Run:
    """The options of one run, checked.

    :param stop: a descriptor that becomes readable when the run is not wanted any more.
    """

    args: tuple[Argument, ...] = ()
    env: Mapping[str, str] | None = None
    stdin: Stdin | None = None
    cwd: Argument | None = None
    timeout: float | None = None
    check: bool = True
    on_stdout: Callback | None = None
    on_stderr: Callback | None = None
    capture_output: bool = True
    stop: int | None = None

    def __post_init__(self) -> None:
        if self.folder is not None and not self.folder.is_dir():
            raise UserError(
                f"the working folder does not exist: {self.folder}", hint="create it, or correct cwd"
            )
        if self.timeout is not None and not self.timeout > 0:
            raise UserError(f"timeout={self.timeout!r} is not a time", hint="seconds, more than 0")

    @property
    def folder(self) -> Path | None:
        """The working folder; None for the caller's."""
        return None if self.cwd is None else Path(self.cwd)

    @property
    def awaited(self) -> bool:
        """Whether output is wanted as it is written: somebody listens, or a kill would lose it."""
        return bool(self.on_stdout or self.on_stderr or self.timeout is not None)

    def told(self, on_stdout: Callback, on_stderr: Callback, stop: int) -> Self:
        """Return the run with others who listen, and a descriptor that stops it."""
        return replace(self, on_stdout=on_stdout, on_stderr=on_stderr, stop=stop)

    def checked(self, result: ExecutionResult, what: str, hint: str = "") -> ExecutionResult:
        """Return `result`; raise ExecutionFailed instead where it is a failure and that is wanted."""
        if self.check and not result.ok:
            raise ExecutionFailed(result, what, hint=hint)
        return result
