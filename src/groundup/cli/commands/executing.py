"""What ``project run`` and ``script run`` share: streams and exit code are those of the run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from groundup import proto_kernel
from groundup.cli.failures import STDOUT
from groundup.errors import UserError

if TYPE_CHECKING:
    from groundup.execution import ExecutionResult
    from groundup.execution.result import ExecutionFailed


@dataclass(frozen=True, slots=True)
class Execution:
    """How something is run.

    :ivar env: variables, each ``NAME=VALUE``.
    :ivar stdin: bytes to read, instead of the command's stdin.
    :ivar timeout: seconds.
    :ivar as_json: capture what it writes, and write the result as an object.
    """

    env: Sequence[str] = ()
    stdin: bytes | None = None
    cwd: str | None = None
    timeout: float | None = None
    as_json: bool = False

    def of(self, run: Callable[..., ExecutionResult]) -> int:
        """Run it, and return its exit code.

        :param run: takes the options of a run.
        :raises UserError: a bad option.
        :raises ExecutionFailed: it could not be provided for, took too long, or was ended by a signal.
        """
        from groundup.execution import ExecutionFailed

        try:
            result = self._streamed(run) if not self.as_json else self._captured(run)
        except ExecutionFailed as failed:
            return _exit_code(failed)
        return result.exit_code

    def _streamed(self, run: Callable[..., ExecutionResult]) -> ExecutionResult:
        write_out, write_err = _writer(sys.stdout.buffer, STDOUT), _writer(sys.stderr.buffer, "stderr")
        return self._given(run)(on_stdout=write_out, on_stderr=write_err, capture_output=False)

    def _captured(self, run: Callable[..., ExecutionResult]) -> ExecutionResult:
        result = self._given(run)(check=False)
        names = ("exit_code", "stdout", "stderr", "duration", "phase", "environment")
        facts = {name: _text(getattr(result, name)) for name in names}
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
        return result

    def _given(self, run: Callable[..., ExecutionResult]) -> Callable[..., ExecutionResult]:
        stdin: Any = self.stdin
        if stdin is None and sys.stdin:
            stdin = sys.stdin.buffer
        return partial(run, env=dict(_variables(self.env)), stdin=stdin, cwd=self.cwd, timeout=self.timeout)


def _exit_code(failed: ExecutionFailed) -> int:
    """Return how a script failed by itself; tell of everything else."""
    if failed.phase in ("resolve", "install"):
        raise failed
    if failed.phase == "timeout" or failed.result.exit_code > 128:
        failed.hint = "its output is above"
        raise failed
    return failed.result.exit_code


def _text(value: object) -> object:
    """Return a value as JSON can have it: bytes that are no text become question marks."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _writer(stream: BinaryIO, name: str) -> Callable[[str], None]:
    def write(text: str) -> None:
        try:
            stream.write(text.encode("utf-8", "surrogateescape"))
            stream.flush()
        except OSError as error:
            raise proto_kernel.named(error, name)  # noqa: B904 - the same error

    return write


def _variables(given: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UserError(f"--env {text!r} is not NAME=VALUE", hint="such as --env MODE=fast")
        yield name, value
