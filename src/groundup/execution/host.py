"""Running on the host: hermetic towards Python, not isolated from the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack

from groundup.errors import UserError
from groundup.execution.containment import Containment, containment
from groundup.execution.environ import hermetic_environ
from groundup.execution.environments import cached_environment
from groundup.execution.garbage import script_folder
from groundup.execution.process import Callback, Stdin, run_process
from groundup.execution.result import ExecutionResult
from groundup.execution.run import Argument, Run, RunOptions
from groundup.execution.streaming import OutputStream
from groundup.projects.environment import Environment
from groundup.projects.errors import ProvisioningError
from groundup.projects.project import get_project
from groundup.projects.requirements import EnvironmentSpec, Overrides, environment_spec
from groundup.projects.script import Script, read_script


class ExecutionRuntime:
    """Runs projects and scripts on this machine, with the rights of the caller.

    Nothing of the caller's Python reaches them: no site-packages, no ``PYTHON*``, no virtual environment.
    Every other variable does, with `env` on top. When a run ends, is interrupted or takes too long, and when
    this process dies, all that it started is killed.

    :param containment: what holds the processes of a run: "pid-namespace", "supervisor" or "process-group";
        by default the strongest that works here.
    :raises UserError: the containment is not known or does not work here.
    """

    def __init__(self, containment: str | None = None) -> None:
        self._containment = containment
        if containment is not None:
            _ = self._contained_by

    @property
    def environment(self) -> str:
        """Where it runs and what holds its processes together, such as ``host:pid-namespace``."""
        return f"host:{self._contained_by.name}"

    def __str__(self) -> str:
        return self.environment

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is held for further runs; on the host and in a sandbox there is nothing."""

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
        capture_output: bool = True,
    ) -> ExecutionResult:
        """Run a project's script with `args`.

        :param env: variables on top of the caller's.
        :param stdin: text, bytes or an open file; by default there is nothing to read.
        :param cwd: the working folder; by default the caller's.
        :param timeout: seconds, after which it is killed with all that it started.
        :param check: raise when it fails; otherwise the result tells.
        :param on_stdout: called with text as it arrives; so is `on_stderr`.
        :param capture_output: False where the result need not have what was written.
        :raises UserError: when there is no such project, or its Python is gone.
        :raises ExecutionFailed: when it fails or takes too long, unless `check` is False.
        """
        run = Run(args, env, stdin, cwd, timeout, check, on_stdout, on_stderr, capture_output)
        return self._run_project(project_id, run)

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
        capture_output: bool = True,
    ) -> ExecutionResult:
        """Run a script, given by its path or as bytes, in an environment with what it requires.

        The environment is made at the first run and found again by requirements and Python: then nothing is
        resolved and no network is needed.

        :param requirements: requirements besides those of the script's PEP 723 block; True: what it imports.
        :param dependency_overrides: what a person decided about imports, by module.
        :raises UserError: for a bad script or requirement.
        :raises ExecutionFailed: when requirements cannot be resolved or installed, and as `run_project`.

        The other parameters are those of :meth:`run_project`; `timeout` is for the run alone.
        """
        run = Run(args, env, stdin, cwd, timeout, check, on_stdout, on_stderr, capture_output)
        return self._run_script(script, requirements, dependency_overrides, run)

    def stream_project(self, project_id: str, *args: Argument, **options: Unpack[RunOptions]) -> OutputStream:
        """Run a project as :meth:`run_project`, its output an asynchronous iterator."""
        return OutputStream(partial(self._run_project, project_id), Run(args, **options))

    def stream_script(
        self,
        script: str | os.PathLike[str] | bytes,
        *args: Argument,
        requirements: Sequence[str] | bool | None = None,
        dependency_overrides: Overrides | None = None,
        **options: Unpack[RunOptions],
    ) -> OutputStream:
        """Run a script as :meth:`run_script`, its output an asynchronous iterator."""
        execute = partial(self._run_script, script, requirements, dependency_overrides)
        return OutputStream(execute, Run(args, **options))

    def _run_project(self, project_id: str, run: Run) -> ExecutionResult:
        project = get_project(project_id)
        if not project.environment.works():
            raise UserError(
                f"the Python of project {project_id!r} is gone: {project.python}",
                hint="create the project again with force=True (--force)",
            )
        result = self._execute(project.environment, project.script, run)
        return run.checked(result, f"project {project_id!r}")

    def _run_script(
        self,
        script: str | os.PathLike[str] | bytes,
        requirements: Sequence[str] | bool | None,
        dependency_overrides: Overrides | None,
        run: Run,
    ) -> ExecutionResult:
        source = read_script(script)
        what = f"script {source.name}"
        spec = self._allowed(environment_spec(source, requirements, dependency_overrides))
        started = time.monotonic()
        with ExitStack() as stack:
            try:
                environment = stack.enter_context(cached_environment(spec, what))
            except ProvisioningError as error:
                return run.checked(self._unprovided(error, time.monotonic() - started), what, error.hint)
            file = source.path or stack.enter_context(_as_file(source))
            return run.checked(self._execute(environment, file, run), what)

    def _allowed(self, spec: EnvironmentSpec) -> EnvironmentSpec:
        """Return what is installed for a script."""
        return spec

    def _execute(self, environment: Environment, script: Path, run: Run) -> ExecutionResult:
        unbuffered = ["-u"] if run.awaited else []
        ended = run_process(
            [environment.python, "-I", "-X", "utf8", *unbuffered, script, *run.args],
            env=hermetic_environ(os.environ, environment.python, run.env),
            cwd=run.folder,
            stdin=run.stdin,
            timeout=run.timeout,
            on_stdout=run.on_stdout,
            on_stderr=run.on_stderr,
            capture_output=run.capture_output,
            stop=run.stop,
            contained_by=self._contained_by,
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

    @cached_property
    def _contained_by(self) -> Containment:
        return containment(self._containment)


@contextmanager
def _as_file(script: Script) -> Iterator[Path]:
    """Give code that is in no file as one, for the length of the block."""
    with script_folder() as folder:
        file = folder / "main.py"
        file.write_bytes(script.content)
        yield file
