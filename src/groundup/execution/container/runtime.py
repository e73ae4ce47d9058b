"""Running in containers: of Docker or Podman, apart from this machine but for what is given to them."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup.errors import UserError
from groundup.execution.container.config import container_config
from groundup.execution.container.engine import Engine, find_engine
from groundup.execution.container.errors import ContainerError
from groundup.execution.container.images import find_image
from groundup.execution.container.packages import ENVIRONMENT, Wanted, provisioned
from groundup.execution.container.platforms import Facts
from groundup.execution.container.pool import Pool
from groundup.execution.container.probing import facts_of
from groundup.execution.container.reaper import reap
from groundup.execution.container.recipe import WORK, Bind, Recipe
from groundup.execution.container.session import Ended, Session
from groundup.execution.garbage import script_folder
from groundup.execution.host import ExecutionRuntime
from groundup.execution.result import ExecutionResult
from groundup.execution.run import Run
from groundup.execution.sandbox.user import DEFAULT_UID, given
from groundup.execution.wheels import only_wheels
from groundup.projects.errors import ProvisioningError
from groundup.projects.project import get_project
from groundup.projects.requirements import Overrides, environment_spec
from groundup.projects.script import Script, read_script

if TYPE_CHECKING:
    from groundup.execution.languages.runtime import Command

PROJECT = "/project"  # where project or script is in a container
_reaped: set[str] = set()


class IsolatedExecutionRuntime(ExecutionRuntime):
    """Runs projects and scripts in containers of Docker or Podman, each in one of its own.

    They see the image, their project or script, what it requires, and `cwd`, all but the last read-only; by
    default they work in an empty folder that is gone afterwards. Of the caller's variables they get none but
    `env`. They run as an ordinary user, without capabilities and without a network, unless it is asked for.

    Use it in a ``with`` block, or call :meth:`close`: nothing is left then, and nothing when this process is
    killed.

    :param python_tag: tag of the image ``python``; by default the one of this Python, such as ``3.12-slim``.
    :param docker_config: settings, by the names of :class:`ContainerConfig`.
    :raises EngineMissing: there is no engine.
    :raises EngineForbidden: this user may not use it.
    :raises ImageMissing: there is no such image, and it cannot be fetched.
    :raises UserError: a setting is not known, or is not possible.
    """

    is_isolated = True

    def __init__(self, python_tag: str | None = None, **docker_config: Any) -> None:
        super().__init__()
        self.config = container_config(docker_config)
        name = _image_name(self.config.image, python_tag)
        self._stack = ExitStack()
        self._engine = Engine(find_engine(self.config.engine))
        try:
            _reap_once(self._engine)
            self._image = find_image(self._engine, name, pull=self.config.pull, platform=self.config.platform)
        except BaseException:
            self._engine.close()
            raise
        self._pool = Pool(self.config.warm, self._started)

    def close(self) -> None:
        """End all containers and close the connections."""
        self._pool.close()
        self._stack.close()
        self._engine.close()

    @property
    def environment(self) -> str:
        """Where it runs: ``container:docker`` or ``container:podman``."""
        return f"container:{self._engine.name}"

    @property
    def image(self) -> str:
        """The image, by its digest in the repository that it came from, else by its id."""
        return self._image.pinned

    @property
    def platform(self) -> str:
        """The image, and the platform of its Python."""
        return f"container {self._image.id} {self._facts.platform} python{self._facts.python}"

    def run_command(self, command: Command) -> ExecutionResult:
        """Run a command that sees its mounts and the image.

        :raises ContainerError: it cannot be started.
        """
        recipe = Recipe(
            image=self._image.pinned,
            user=self._user,
            binds=tuple(Bind(each.path, str(each.path), each.is_writable) for each in command.mounts),
            work=str(command.cwd),
            private_work=False,
            network=self.config.network or command.needs_network,
        )
        run = Run(
            timeout=command.timeout,
            on_stdout=command.on_stdout,
            on_stderr=command.on_stderr,
            stop=command.stop,
        )
        writable = [each.path for each in command.mounts if each.is_writable]
        with given(writable, self._chosen_uid), self._session(recipe) as session:
            env = _variables(self._image.path, command.env)
            return self._result(session.run(list(command.argv), env, run))

    def _run_project(self, project_id: str, run: Run) -> ExecutionResult:
        project = get_project(project_id)
        what = f"project {project.id!r}"
        wanted = Wanted.of_project(project, self._facts)
        with ExitStack() as stack:
            return self._provided(stack, wanted, what, run, lambda: project.script)

    def _run_script(
        self,
        script: str | os.PathLike[str] | bytes,
        requirements: Sequence[str] | bool | None,
        dependency_overrides: Overrides | None,
        run: Run,
    ) -> ExecutionResult:
        source = read_script(script)
        spec = only_wheels(environment_spec(source, requirements, dependency_overrides))
        wanted = Wanted.of_spec(spec, self._facts)
        with ExitStack() as stack:
            return self._provided(
                stack, wanted, f"script {source.name}", run, lambda: self._code(source, stack)
            )

    def _provided(
        self, stack: ExitStack, wanted: Wanted, what: str, run: Run, code: Callable[[], Path]
    ) -> ExecutionResult:
        """Run the file that `code` returns, in the environment that is wanted."""
        started = time.monotonic()
        try:
            environment = stack.enter_context(provisioned(wanted, self._facts, what))
        except ProvisioningError as error:
            return run.checked(self._unprovided(error, time.monotonic() - started), what, error.hint)
        return run.checked(self._execute_in(environment, code(), run), what)

    def _execute_in(self, environment: Path, script: Path, run: Run) -> ExecutionResult:
        argv = [f"{ENVIRONMENT}/bin/python", "-I", "-X", "utf8"]
        argv += ["-u"] if run.awaited else []
        argv += [f"{PROJECT}/{script.name}", *(os.fspath(arg) for arg in run.args)]
        binds = [Bind(script.parent, PROJECT), Bind(environment, ENVIRONMENT)]
        if run.folder is not None:
            binds.append(Bind(run.folder.resolve(), WORK, writable=True))
        path = f"{ENVIRONMENT}/bin:{self._image.path}"
        recipe = Recipe(
            image=self._image.pinned,
            user=self._user,
            binds=tuple(binds),
            private_work=run.folder is None,
            network=self.config.network,
        )
        writable = [] if run.folder is None else [run.folder.resolve()]
        with given(writable, self._chosen_uid):
            return self._run_in(recipe, argv, _variables(path, run.env), run)

    def _run_in(self, recipe: Recipe, argv: list[str], env: dict[str, str], run: Run) -> ExecutionResult:
        if self.config.warm and self._facts.shell:
            session = self._pool.take(recipe)
            try:
                return self._result(session.run(argv, env, run))
            finally:
                self._pool.give_back(recipe, session)
        with self._session(recipe) as session:
            return self._result(session.run(argv, env, run))

    @contextmanager
    def _session(self, recipe: Recipe) -> Iterator[Session]:
        """Give a started session, closed at the end of the block."""
        with closing(self._started(recipe)) as session:
            yield session

    def _started(self, recipe: Recipe) -> Session:
        session = Session(self._engine, self.config, recipe, has_shell=self._facts.shell)
        session.start()
        return session

    def _code(self, script: Script, stack: ExitStack) -> Path:
        """Return a copy of a script in a folder of its own that everybody can read."""
        folder = self._scripts if self.config.warm else stack.enter_context(script_folder())
        name = "main.py" if script.path is None else script.path.name
        own = folder / hashlib.sha256(os.fsencode(name) + b"\0" + script.content).hexdigest()
        if not own.exists():
            aside = Path(tempfile.mkdtemp(dir=folder))
            (aside / name).write_bytes(script.content)
            (aside / name).chmod(0o444)
            aside.chmod(0o755)
            with suppress(OSError):  # another thread was faster
                aside.rename(own)
        return own / name

    @cached_property
    def _scripts(self) -> Path:
        """A folder for the scripts of containers that are kept ready."""
        return self._stack.enter_context(script_folder())

    @cached_property
    def _facts(self) -> Facts:
        return facts_of(self._engine, self.config, self._image, self._user)

    @property
    def _user(self) -> str:
        """Who code runs as: what was asked for, else the caller, unless that is root."""
        if self.config.user:
            return self.config.user
        uid = self._chosen_uid
        return f"{os.getuid()}:{os.getgid()}" if uid is None else f"{uid}:{uid}"

    @property
    def _chosen_uid(self) -> int | None:
        """To whom folders are lent in which code writes; None where that is the caller."""
        if os.geteuid() != 0:
            return None
        return int(self.config.user.partition(":")[0]) if self.config.user else DEFAULT_UID

    def _result(self, ended: Ended) -> ExecutionResult:
        return ExecutionResult(
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=ended.stderr,
            duration=ended.duration,
            phase="timeout" if ended.timed_out else "run",
            environment=self.environment,
        )


def _image_name(image: str | None, python_tag: str | None) -> str:
    if image is not None and python_tag is not None:
        raise UserError(
            f"python_tag={python_tag!r} and image={image!r} both name the image",
            hint="python_tag for an image `python:TAG`, image for any other",
        )
    return image or f"python:{python_tag or '{}.{}-slim'.format(*sys.version_info)}"


def _variables(path: str, extra: Mapping[str, str] | None) -> dict[str, str]:
    own = {"PATH": path, "HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - its own
    return {**own, **(extra or {})}


def _reap_once(engine: Engine) -> None:
    """Remove what killed processes left at an engine, once in the life of this process."""
    if engine.url not in _reaped:
        _reaped.add(engine.url)
        with suppress(ContainerError):  # nothing that this run needs
            reap(engine)
