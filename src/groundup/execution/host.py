"""Running on the host: hermetic towards Python, not isolated from the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from groundup.errors import UserError
from groundup.execution.containment import containment
from groundup.execution.environ import hermetic_environ
from groundup.execution.environments import cached_environment
from groundup.execution.process import Callback, Stdin, run_process
from groundup.execution.result import ExecutionFailed, ExecutionResult
from groundup.projects.environment import Environment
from groundup.projects.errors import ProvisioningError
from groundup.projects.project import get_project
from groundup.projects.requirements import Overrides, environment_spec
from groundup.projects.script import Script, read_script

Argument = str | os.PathLike[str]


class ExecutionRuntime:
    """Runs projects and scripts on this machine, with the rights of the caller.

    Nothing of the caller's Python reaches them: no site-packages, no ``PYTHON*``, no virtual environment.
    Every other variable does, with `env` on top. When a run ends, is interrupted or takes too long, what it
    started in its process group is killed.
    """

    @property
    def environment(self) -> str:
        """Where it runs and what holds its processes together."""
        return f"host:{containment().name}"

    def run_project(  # noqa: PLR0913 - the options of a run
        self,
        project_id: str,
        *args: Argument,
        env: Mapping[str, str] | None = None,
        stdin: Stdin | None = None,
        cwd: Argument | None = None,
        timeout: float | None = None,
        check: bool = True,
        on_stdout: Callback | None = None,
        on_stderr: Callback | None = None,
    ) -> ExecutionResult:
        """Run a project's script with `args`.

        :param env: variables on top of the caller's.
        :param stdin: text, bytes or an open file; by default there is nothing to read.
        :param cwd: the working folder; by default the caller's.
        :param timeout: seconds, after which it is killed with all that it started.
        :param check: raise when it fails; otherwise the result tells.
        :param on_stdout: called with text as it arrives; so is `on_stderr`.
        :raises UserError: when there is no such project, or its Python is gone.
        :raises ExecutionFailed: when it fails or takes too long, unless `check` is False.
        """
        project = get_project(project_id)
        if not project.environment.works():
            raise UserError(
                f"the Python of project {project_id!r} is gone: {project.python}",
                hint="create the project again with force=True",
            )
        what = f"project {project_id!r}"
        run = _Run(args, env, stdin, _folder(cwd), timeout, on_stdout, on_stderr)
        return _checked(self._execute(project.environment, project.script, run), what, check)

    def run_script(  # noqa: PLR0913 - the options of a run
        self,
        script: str | os.PathLike[str] | bytes,
        *args: Argument,
        requirements: Sequence[str] | bool | None = None,
        dependency_overrides: Overrides | None = None,
        env: Mapping[str, str] | None = None,
        stdin: Stdin | None = None,
        cwd: Argument | None = None,
        timeout: float | None = None,
        check: bool = True,
        on_stdout: Callback | None = None,
        on_stderr: Callback | None = None,
    ) -> ExecutionResult:
        """Run a script, given by its path or as bytes, in an environment with what it requires.

        The environment is made at the first run and found again by requirements and Python: then nothing is
        resolved and no network is needed.

        :param requirements: requirements besides those of the script's PEP 723 block.
        :raises UserError: for a bad script or requirement.
        :raises ExecutionFailed: when requirements cannot be resolved or installed, and as `run_project`.

        The other parameters are those of :meth:`run_project`; `timeout` is for the run alone.
        """
        run = _Run(args, env, stdin, _folder(cwd), timeout, on_stdout, on_stderr)
        source = read_script(script)
        what = f"script {source.name}"
        spec = environment_spec(source, requirements, dependency_overrides)
        started = time.monotonic()
        try:
            environment = cached_environment(spec, what)
        except ProvisioningError as error:
            result = self._unprovided(error, time.monotonic() - started)
            return _checked(result, what, check, error.hint)
        with _as_file(source) as file:
            return _checked(self._execute(environment, file, run), what, check)

    def _execute(self, environment: Environment, script: Path, run: _Run) -> ExecutionResult:
        ended = run_process(
            [environment.python, "-I", "-X", "utf8", *run.flags(), script, *run.args],
            env=hermetic_environ(os.environ, environment.python, run.env),
            cwd=run.cwd,
            stdin=run.stdin,
            timeout=run.timeout,
            on_stdout=run.on_stdout,
            on_stderr=run.on_stderr,
        )
        return ExecutionResult(
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=ended.stderr,
            duration=ended.duration,
            phase="timeout" if ended.timed_out else "run",
            environment=self.environment,
        )

    def _unprovided(self, error: ProvisioningError, duration: float) -> ExecutionResult:
        return ExecutionResult(
            exit_code=error.uv_exit_code,
            stdout="",
            stderr=error.uv_output,
            duration=duration,
            phase=error.phase,
            environment=self.environment,
        )


@dataclass(frozen=True)
class _Run:
    """What a run is given, whatever it runs."""

    args: tuple[Argument, ...]
    env: Mapping[str, str] | None
    stdin: Stdin | None
    cwd: Path | None
    timeout: float | None
    on_stdout: Callback | None
    on_stderr: Callback | None

    def flags(self) -> list[str]:
        """Unbuffered where somebody waits for what is written, or where a kill would lose it."""
        awaited = self.on_stdout or self.on_stderr or self.timeout is not None
        return ["-u"] if awaited else []


def _checked(result: ExecutionResult, what: str, check: bool, hint: str = "") -> ExecutionResult:
    if check and not result.ok:
        raise ExecutionFailed(result, what, hint=hint)
    return result


def _folder(cwd: Argument | None) -> Path | None:
    if cwd is None:
        return None
    folder = Path(cwd)
    if not folder.is_dir():
        raise UserError(f"the working folder does not exist: {folder}", hint="create it, or correct cwd")
    return folder


@contextmanager
def _as_file(script: Script) -> Iterator[Path]:
    """Give the file of a script; code that is in no file is in one for the length of the block."""
    if script.path is not None:
        yield script.path
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="groundup-script-") as folder:
        file = Path(folder, "main.py")
        file.write_bytes(script.content)
        yield file
