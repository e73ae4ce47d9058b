"""Running in a sandbox: apart from the files, the network and the processes of this machine."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup.errors import UserError
from groundup.execution.host import ExecutionRuntime
from groundup.execution.process import Ended
from groundup.execution.result import ExecutionResult
from groundup.execution.run import Run
from groundup.execution.sandbox.bubblewrap import NAME, Bubblewrap, Entry, find_bubblewrap
from groundup.execution.sandbox.limits import SandboxLimits
from groundup.execution.sandbox.user import chosen_uid
from groundup.execution.sandbox.view import WORK, View, is_in
from groundup.execution.wheels import only_wheels
from groundup.projects.environment import Environment
from groundup.projects.requirements import EnvironmentSpec

if TYPE_CHECKING:
    from groundup.execution.languages.runtime import Command

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class SandboxExecutionRuntime(ExecutionRuntime):
    """Runs projects and scripts by bubblewrap: nothing of this machine reaches them but what they need.

    They see the system's programs, their Python, their project or script and `cwd`, all but the last
    read-only; by default they work in an empty folder that is gone afterwards. Of the caller's variables they
    get none but `env`. There is no network, unless it is asked for.

    :param network: whether they may use the network of this machine, all of it.
    :param build: whether what a script requires may be built from source, and all of its settings for uv
        count: that runs code of packages, which the script may choose, outside of the sandbox.
    :param uid: who they run as where the caller is root; a uid that nobody else has.
    :param limits: what they may use, by the names of :class:`SandboxLimits`.
    :raises SandboxError: a sandbox cannot be had; says what is missing.
    :raises UserError: a limit or uid that cannot be.
    """

    def __init__(
        self, /, *, network: bool = False, build: bool = False, uid: int | None = None, **limits: Any
    ) -> None:
        super().__init__()
        self.network, self.build = _flag("network", network), _flag("build", build)
        self.limits = SandboxLimits.of(limits)
        self._bubblewrap = Bubblewrap(program=find_bubblewrap(), limits=self.limits, uid=chosen_uid(uid))

    @property
    def environment(self) -> str:
        """Where it runs and what holds its processes together: ``sandbox:bubblewrap``."""
        return f"sandbox:{NAME}"

    is_isolated = True

    @property
    def platform(self) -> str:
        """The system, its C library, and the Python that comes first on the PATH of commands."""
        libc = "-".join(platform.libc_ver())
        version = ".".join(map(str, sys.version_info[:2]))
        return f"sandbox {sysconfig.get_platform()} {libc} python{version} {sys.base_prefix}"

    def run_command(self, command: Command) -> ExecutionResult:
        """Run a command that sees its mounts, the system's programs, and groundup's own Python.

        :raises SandboxError: it cannot be started.
        """
        from groundup.execution.languages.runtime import base_python

        network = self.network or command.needs_network
        view = View(disk=self.limits.disk, network=network)
        view.show_python(base_python())
        for mount in command.mounts:
            view.show(mount.path, is_writable=mount.is_writable)
        entry = Entry(
            argv=command.argv,
            env=_variables(base_python(), command.env),
            cwd=command.cwd,
            view=view.words,
            writable=[mount.path for mount in command.mounts if mount.is_writable],
            network=network,
        )
        options = Run(
            timeout=command.timeout,
            on_stdout=command.on_stdout,
            on_stderr=command.on_stderr,
            stop=command.stop,
        )
        return self._result(self._bubblewrap.run(entry, options))

    def _allowed(self, spec: EnvironmentSpec) -> EnvironmentSpec:
        return spec if self.build else only_wheels(spec)

    def _execute(self, environment: Environment, script: Path, run: Run) -> ExecutionResult:
        view = View(disk=self.limits.disk, network=self.network)
        cwd = None if run.folder is None else run.folder.absolute()
        if cwd is not None:
            cwd = Path(view.show(cwd, is_writable=True))
        view.show(environment.path)
        view.show_python(environment.python)
        if is_in(str(script), [str(environment.path)]):
            file = str(script)
        else:  # a copy, which everybody can read
            file = view.show_script(script.read_bytes(), str(script))
        unbuffered = ["-u"] if run.awaited else []
        entry = Entry(
            argv=[environment.python, "-I", "-X", "utf8", *unbuffered, file, *run.args],
            env=_variables(environment.python, run.env),
            cwd=cwd or WORK,
            view=view.words,
            writable=[] if cwd is None else [cwd],
            network=self.network,
        )
        return self._result(self._bubblewrap.run(entry, run))

    def _result(self, ended: Ended) -> ExecutionResult:
        return ExecutionResult(
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=ended.stderr,
            duration=ended.duration,
            phase="timeout" if ended.timed_out else "run",
            environment=self.environment,
        )


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise UserError(f"{name}={value!r} is not possible for a sandbox", hint="True or False")


def _variables(python: Path, extra: Mapping[str, str] | None) -> dict[str, str]:
    own = {
        "PATH": f"{python.parent}{os.pathsep}{_PATH}",
        "HOME": "/tmp",  # noqa: S108 - its own
        "TMPDIR": "/tmp",  # noqa: S108
        "LANG": "C.UTF-8",
    }
    return {**own, **(extra or {})}
