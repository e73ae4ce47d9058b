"""Where the executables of languages run: what a runtime has to offer for it, and the host, which does.

A runtime of another isolation takes part by having the members of :class:`CommandRuntime`.
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from groundup.errors import UserError
from groundup.execution.environ import hermetic_environ
from groundup.execution.factory import create_execution_runtime
from groundup.execution.host import ExecutionRuntime
from groundup.execution.process import Callback, run_process
from groundup.execution.result import ExecutionResult


class Mount(NamedTuple):
    """A file or folder of the host that a command sees at the same path.

    What is written there belongs to the caller of groundup afterwards.
    """

    path: Path
    is_writable: bool = False


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program to run.

    :ivar argv: the program, by its absolute path, and its arguments.
    :ivar cwd: working folder; one of the mounts, or inside of one.
    :ivar env: variables on top of those that the runtime itself gives to everything it runs.
    :ivar mounts: all of the caller's files that the command may see; one inside of another comes after it.
    :ivar needs_network: whether it may use the network.
    :ivar timeout: seconds after which it is killed with all that it started.
    :ivar on_stdout: called with text as it arrives; so is `on_stderr`.
    :ivar stop: a descriptor; when it becomes readable, it is killed and :class:`Stopped` is raised.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    mounts: Sequence[Mount]
    needs_network: bool = False
    timeout: float | None = None
    on_stdout: Callback | None = None
    on_stderr: Callback | None = None
    stop: int | None = None


@runtime_checkable
class CommandRuntime(Protocol):
    """A runtime that the executables of languages can run in."""

    @property
    def environment(self) -> str:
        """Where commands run and what holds their processes together, such as ``host:process-group``."""

    @property
    def platform(self) -> str:
        """What installed programs depend on: those that one platform built are used on no other."""

    @property
    def is_isolated(self) -> bool:
        """Whether commands see nothing of the caller's files but the mounts."""

    def run_command(self, command: Command) -> ExecutionResult:
        """Run a command to its end; the result's phase is "run", or "timeout" when it was killed.

        :raises GroundupError: it cannot be started.
        """


class HostCommands:
    """Runs commands on this machine, with the rights of the caller; mounts and network are as they are."""

    is_isolated = False

    def __init__(self, runtime: ExecutionRuntime) -> None:
        self.environment: str = runtime.environment

    @property
    def platform(self) -> str:
        """The system, its C library, and the Python that comes first on the commands' PATH."""
        libc = "-".join(platform.libc_ver())
        version = ".".join(map(str, sys.version_info[:2]))
        return f"host {sysconfig.get_platform()} {libc} python{version} {sys.base_prefix}"

    def run_command(self, command: Command) -> ExecutionResult:
        """Run a command with the caller's variables, but for those of Python."""
        ended = run_process(
            command.argv,
            env=hermetic_environ(os.environ, base_python(), command.env),
            cwd=command.cwd,
            timeout=command.timeout,
            on_stdout=command.on_stdout,
            on_stderr=command.on_stderr,
            stop=command.stop,
        )
        return ExecutionResult(
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=ended.stderr,
            duration=ended.duration,
            phase="timeout" if ended.timed_out else "run",
            environment=self.environment,
        )


def command_runtime(on: str | Any) -> CommandRuntime:
    """Return what runs commands on ``host``, ``sandbox`` or ``container``, or in a runtime that is given.

    :raises UserError: what was asked for is not available. Nothing runs with less isolation than that.
    """
    runtime = on
    if isinstance(on, str):
        runtime = create_execution_runtime(isolate=False if on == "host" else on)  # type: ignore[arg-type]
    if isinstance(runtime, CommandRuntime):
        return runtime
    if type(runtime) is ExecutionRuntime:
        return HostCommands(runtime)
    raise UserError(f"steps cannot run in {runtime!r}", hint="run them on the host: on='host'")


def base_python() -> Path:
    """Return the interpreter behind groundup's own environment."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable)
