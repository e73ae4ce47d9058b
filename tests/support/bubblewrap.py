"""A runtime of steps that isolates by bubblewrap: what a command sees are its mounts and the system."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from groundup.execution import ExecutionResult, ExecutionRuntime
from groundup.execution.containment import PROCESS_GROUP
from groundup.execution.languages import Command
from groundup.execution.languages.runtime import HostCommands
from groundup.execution.process import run_process
from tests.support.requirements import require

DOCKERENV = "/.dockerenv"  # the file that Docker puts into the root of every container
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc")


class Bubblewrapped(HostCommands):
    """Runs commands that see their mounts, the system and Python, read-only but for what is writable."""

    is_isolated = True

    def __init__(self) -> None:
        super().__init__(ExecutionRuntime())
        require(shutil.which("bwrap"), "bubblewrap")
        self.environment = "bubblewrap"

    @property
    def platform(self) -> str:
        """Nothing is shared with the host."""
        return f"bubblewrap {super().platform}"

    def run_command(self, command: Command) -> ExecutionResult:
        """Run a command in namespaces of its own."""
        ended = run_process(
            ["bwrap", *self._options(command), *command.argv],
            env=os.environ,
            timeout=command.timeout,
            contained_by=PROCESS_GROUP,  # bubblewrap brings a namespace of its own
            on_stdout=command.on_stdout,
            on_stderr=command.on_stderr,
        )
        return ExecutionResult(
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=ended.stderr,
            duration=ended.duration,
            phase="timeout" if ended.timed_out else "run",
            environment=self.environment,
        )

    def _options(self, command: Command) -> Iterator[str]:
        yield from ("--unshare-all", "--die-with-parent", "--clearenv", "--chdir", str(command.cwd))
        yield from ("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")  # noqa: S108 - its own
        for path in (*SYSTEM, sys.base_prefix):
            yield from ("--ro-bind-try", path, path)
        for mount in command.mounts:
            yield from ("--bind" if mount.is_writable else "--ro-bind", str(mount.path), str(mount.path))
        if command.needs_network:
            yield "--share-net"
        path = f"{Path(sys.base_prefix, 'bin')}:/usr/bin:/bin"
        for name, value in {"PATH": path, **command.env}.items():
            yield from ("--setenv", name, value)


def as_in_a_container(argv: Sequence[str], folder: Path) -> list[str]:
    """Return a command that runs another with this machine's files, and Docker's own in the root.

    :param folder: for files that it needs.
    """
    require(shutil.which("bwrap"), "bubblewrap")
    mark = folder / "dockerenv"
    mark.touch()
    words = ["bwrap"]
    for entry in Path("/").iterdir():
        if entry.is_symlink():
            words += ["--symlink", str(entry.readlink()), str(entry)]
        elif entry.is_dir():
            words += ["--dev-bind", str(entry), str(entry)]
    return [*words, "--ro-bind", str(mark), DOCKERENV, "--chdir", str(folder), *argv]
