"""What a run gave.

::

    GroundupError
    └── ExecutionFailed     carries the ExecutionResult and the phase
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from groundup.errors import GroundupError
from groundup.execution.capture import Captured

Phase = Literal["resolve", "install", "run", "timeout"]


class _Output:
    """A field of a result: set with text, bytes or what was captured; read as text."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.key = f"_{name}"

    def __get__(self, result: object, owner: type) -> str:
        if result is None:
            raise AttributeError(self.key)  # the field has no default
        captured: Captured = result.__dict__[self.key]
        return captured.text()

    def __set__(self, result: object, value: str | bytes | Captured) -> None:
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogateescape")
        result.__dict__[self.key] = value if isinstance(value, Captured) else Captured(value)


@dataclass(frozen=True, kw_only=True)
class ExecutionResult:
    """The outcome of a run; ``str(result)`` is stdout.

    :param exit_code: as the process ended; 128 + N when signal N ended it.
    :param stdout: text; bytes that are not UTF-8 are surrogates, :attr:`stdout_bytes` has them as they were.
        Read from disk at each access when it is larger than 8 MiB.
    :param stderr: as stdout.
    :param duration: seconds of the phase.
    :param phase: the last one that was reached: resolve, install, run, or timeout.
    :param environment: where it ran and what held its processes together, such as ``host:process-group``.
    """

    exit_code: int
    stdout: _Output = _Output()
    stderr: _Output = _Output()
    duration: float
    phase: Phase
    environment: str

    def __str__(self) -> str:
        return self.stdout

    @property
    def ok(self) -> bool:
        """Whether it ran to its end with exit code 0."""
        return self.phase == "run" and self.exit_code == 0

    @property
    def stdout_bytes(self) -> bytes:
        """Stdout as it was written."""
        return bytes(self._captured("stdout"))

    @property
    def stderr_bytes(self) -> bytes:
        """Stderr as it was written."""
        return bytes(self._captured("stderr"))

    def stdout_chunks(self) -> Iterator[bytes]:
        """Yield stdout in pieces: large output need not fit into memory."""
        return self._captured("stdout").chunks()

    def stderr_chunks(self) -> Iterator[bytes]:
        """Yield stderr in pieces: large output need not fit into memory."""
        return self._captured("stderr").chunks()

    def _captured(self, name: str) -> Captured:
        captured: Captured = self.__dict__[f"_{name}"]
        return captured


class ExecutionFailed(GroundupError):  # noqa: N818 - the name that users know
    """A script could not be provided for (resolve, install), failed (run) or took too long (timeout).

    :param result: everything that is known about it.
    :param what: what was run, for the message.
    """

    def __init__(self, result: ExecutionResult, what: str, *, hint: str = "") -> None:
        code = result.exit_code if result.phase in ("run", "timeout") else None
        super().__init__(f"{what} {_outcome(result)}", hint=hint or _last_words(result), exit_code=code)
        self.result = result
        self.what = what

    @property
    def phase(self) -> Phase:
        """Where it failed: resolve, install, run, timeout."""
        return self.result.phase

    def __reduce__(self) -> tuple[object, ...]:
        return _failed, (self.result, self.what, self.hint)


def _failed(result: ExecutionResult, what: str, hint: str) -> ExecutionFailed:
    return ExecutionFailed(result, what, hint=hint)


def _outcome(result: ExecutionResult) -> str:
    if result.phase == "timeout":
        return f"did not end within {result.duration:.1f} s and was killed"
    if result.phase != "run":
        return f"cannot run: {result.stderr.strip().removeprefix('error: ')}"
    if result.exit_code > 128 and result.exit_code - 128 in {*signal.Signals}:
        return f"was ended by {signal.Signals(result.exit_code - 128).name}"
    return f"failed with exit code {result.exit_code}"


def _last_words(result: ExecutionResult) -> str:
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    return f"its last words: {lines[-1].strip()}" if lines else "it wrote nothing to stderr"
