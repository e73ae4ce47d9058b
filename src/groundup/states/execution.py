"""Projects and scripts: made, and executed by a runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup.dag import state
from groundup.errors import GroundupError

if TYPE_CHECKING:
    from groundup.execution import ExecutionResult, ExecutionRuntime
    from groundup.projects import Project
    from groundup.states.execution_parameters import (
        OwnRuntime,
        ProjectCreation,
        ProjectExecution,
        Requiring,
        Running,
        Runtime,
        ScriptExecution,
    )

PARAMETERS = "groundup.states.execution_parameters"


@state(params=f"{PARAMETERS}:Runtime")
def execution_runtime(params: Runtime) -> Iterator[ExecutionRuntime]:
    """Scripts and projects have a runtime that executes them: the host, a sandbox or a container."""
    with made_runtime(params) as runtime:
        yield runtime


@state(params=f"{PARAMETERS}:ProjectCreation")
def project_created(repo_root: Path, params: ProjectCreation) -> Project:
    """A project is made from a script, with a locked environment of its own.

    It is made again when the script, or what it requires, is not what the project has.
    """
    from groundup.projects import create_project, get_project

    _know_project()
    if params.script is None:
        return get_project(params.id or "")
    return create_project(
        repo_root / params.script,
        id=params.id,
        **_requiring(params),
        force=True,
        on_progress=lambda text: print(text, flush=True),
    )


@project_created.satisfied
def _(repo_root: Path, params: ProjectCreation) -> bool:
    _know_project()
    try:
        return _is_made(repo_root, params)
    except GroundupError:
        return False  # the state itself tells it


@state(params=f"{PARAMETERS}:ProjectExecution")
def project_executed(
    repo_root: Path, project_created: Project, execution_runtime: ExecutionRuntime, params: ProjectExecution
) -> ExecutionResult:
    """A project is executed; what it writes is the state's output, a failure is the state's."""
    with runtime_for(params, execution_runtime) as runtime:
        return runtime.run_project(
            project_created.id,
            *params.args,
            **_running(repo_root, params),
            on_stdout=_relay,
            on_stderr=_relay,
        )


@state(params=f"{PARAMETERS}:ScriptExecution")
def script_executed(
    repo_root: Path, execution_runtime: ExecutionRuntime, params: ScriptExecution
) -> ExecutionResult:
    """A script is executed, in an environment with what it requires."""
    with runtime_for(params, execution_runtime) as runtime:
        return runtime.run_script(
            repo_root / params.script,
            *params.args,
            **_requiring(params),
            **_running(repo_root, params),
            on_stdout=_relay,
            on_stderr=_relay,
        )


@contextmanager
def runtime_for(params: OwnRuntime, shared: ExecutionRuntime) -> Iterator[ExecutionRuntime]:
    """Give the runtime that the parameters ask for, closed at the end of the block, else `shared`."""
    if params.isolate is None:
        yield shared
        return
    with made_runtime(params) as runtime:
        yield runtime


def made_runtime(params: OwnRuntime) -> ExecutionRuntime:
    """Return the runtime that the parameters ask for.

    :raises GroundupError: it is not available. Nothing runs with less isolation than that.
    """
    from groundup.execution import create_execution_runtime

    return create_execution_runtime(params.isolate or False, params.python_tag, **params.settings)


def _know_project() -> None:
    """Import the type of a value that is kept: not with this module, since that takes time at every start."""
    from groundup import projects

    globals()["Project"] = projects.Project


def _is_made(root: Path, params: ProjectCreation) -> bool:
    """Return whether the project has that script and those requirements, and works."""
    from groundup.projects import environment_spec, get_project, read_script
    from groundup.projects.ids import id_from_stem

    if params.script is None:
        return bool(get_project(params.id or ""))
    script = read_script(root / params.script)
    project = get_project(params.id or id_from_stem(Path(params.script).stem))
    if not project.environment.works() or project.script.read_bytes() != script.content:
        return False
    spec = environment_spec(script, **_requiring(params))
    return list(project.requirements) == list(dict.fromkeys(one.text for one in spec.requirements))


def _requiring(params: Requiring) -> dict[str, Any]:
    overrides: Mapping[str, str] | None = params.dependency_overrides or None
    return {"requirements": params.requirements, "dependency_overrides": overrides}


def _running(root: Path, params: Running) -> dict[str, Any]:
    given = {name: getattr(params, name) for name in ("env", "stdin", "timeout")}
    return {**given, "cwd": root / params.cwd}


def _relay(text: str) -> None:
    print(text, end="", flush=True)
