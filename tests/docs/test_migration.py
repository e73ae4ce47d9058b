"""The table of names for those who come from orchestr8: each row is true."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import groundup
from groundup import (
    ExecutionFailed,
    ExecutionResult,
    ExecutionRuntime,
    IsolatedExecutionRuntime,
    Project,
    SandboxExecutionRuntime,
    UserError,
    create_execution_runtime,
    create_project,
    generate_requirements,
)
from groundup.execution.container.engine import Engine
from tests.docs.pages import CHECKOUT, blocks
from tests.docs.tables import codes, table
from tests.support.containers import TAG, docker, share_facts
from tests.support.process import run
from tests.support.users import User, requiring, small_index, user, uv, wheels

__all__ = ["docker", "small_index", "user", "uv", "wheels"]

PAGE = (CHECKOUT / "docs/how-to/migrate-from-orchestr8.md").read_text(encoding="utf-8")
PUT_IN = {"pull": "never", "inside_container": "isolate"}
Check = Callable[[User, Engine], None]
CHECKS: dict[str, Check] = {}


def row(name: str) -> Callable[[Check], Check]:
    """Let a function check the row of a name."""

    def declare(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return declare


def takes(function: Callable[..., Any], *names: str) -> bool:
    """Return whether a function has these parameters."""
    return set(names) <= inspect.signature(function).parameters.keys()


@row("create_project")
def creates_projects(user: User, docker: Engine) -> None:
    assert takes(create_project, "script", "id", "requirements", "dependency_overrides", "force")
    made = create_project(b"print(1)", id="x")
    assert isinstance(made, Project)
    with pytest.raises(UserError):
        create_project(b"print(", id="x", force=True)
    assert ExecutionRuntime().run_project("x").stdout == "1\n"


@row("create_execution_runtime")
def creates_runtimes(user: User, docker: Engine) -> None:
    assert takes(create_execution_runtime, "isolate", "python_tag", "docker_config")
    assert isinstance(create_execution_runtime("sandbox"), SandboxExecutionRuntime)
    for isolate in (True, "container"):
        with create_execution_runtime(isolate, TAG, engine=docker.url, **PUT_IN) as runtime:
            assert isinstance(runtime, IsolatedExecutionRuntime)


@row("ExecutionRuntime")
def the_host_is_hermetic(user: User, docker: Engine) -> None:
    result = create_execution_runtime().run_script(b"import pytest", check=False)
    assert "No module named 'pytest'" in result.stderr


@row("IsolatedExecutionRuntime")
def isolated_ones_are_closed(user: User, docker: Engine) -> None:
    IsolatedExecutionRuntime(TAG, engine=docker.url, pull="never").close()
    with IsolatedExecutionRuntime(TAG, engine=docker.url, pull="never"):
        pass


@row("run_project")
def runs_projects(user: User, docker: Engine) -> None:
    names = ("args", "env", "stdin", "cwd", "timeout", "check", "on_stdout", "on_stderr")
    assert takes(ExecutionRuntime.run_project, "project_id", *names)
    assert takes(IsolatedExecutionRuntime.run_project, "project_id", *names)


@row("run_script")
def runs_scripts(user: User, docker: Engine) -> None:
    names = ("args", "env", "requirements", "dependency_overrides", "timeout")
    assert takes(ExecutionRuntime.run_script, "script", *names)
    source = requiring("alpha<1.1") + "import alpha, beta; print(alpha.VERSION)"
    assert ExecutionRuntime().run_script(source.encode(), requirements=["beta"]).stdout == "1.0\n"


@row("its return value, a text")
def results_tell_all(user: User, docker: Engine) -> None:
    result = ExecutionRuntime().run_script(b"import sys; print(1); print(2, file=sys.stderr)")
    assert isinstance(result, ExecutionResult)
    assert (str(result), result.exit_code, result.stderr, result.phase) == ("1\n", 0, "2\n", "run")
    assert result.duration > 0


@row("generate_requirements")
def generates_requirements(user: User, docker: Engine) -> None:
    assert generate_requirements(b"import alpha") == ["alpha"]
    assert generate_requirements(user.script("import alpha, os")) == ["alpha"]


@row("requirements=True")
def no_candidates_are_an_error(user: User, docker: Engine) -> None:
    with pytest.raises(UserError, match="nobody_has_this"):
        create_project(b"import nobody_has_this", id="x", requirements=True)


@row("dependency_overrides")
def overrides_decide(user: User, docker: Engine) -> None:
    source = b"import alpha, beta, nobody_has_this"
    decided = {"alpha": "<1.1", "beta": "gamma", "nobody_has_this": ""}
    assert generate_requirements(source, dependency_overrides=decided) == ["alpha<1.1", "gamma"]


@row("python_tag")
def tags_name_the_image(user: User, docker: Engine) -> None:
    with create_execution_runtime(True, TAG, engine=docker.url, **PUT_IN) as runtime:
        assert isinstance(runtime, IsolatedExecutionRuntime)
        known = docker.api.inspect_image(f"python:{TAG}")
        assert runtime.image in (known["Id"], *known["RepoDigests"])


@row("docker_config")
def settings_are_checked(user: User, docker: Engine) -> None:
    old = {"mem_limit": "64m", "pids_limit": 9, "network_mode": False}
    runtime = IsolatedExecutionRuntime(TAG, engine=docker.url, pull="never", **old)
    with runtime:
        assert (runtime.config.memory, runtime.config.pids) == (2**26, 9)
    with pytest.raises(UserError, match="no setting 'memory_limit'") as refused:
        IsolatedExecutionRuntime(TAG, memory_limit="1g")
    assert "did you mean" in refused.value.hint


@row("the folder of projects")
def the_home_says_where_projects_are(user: User, docker: Engine) -> None:
    assert Path(os.environ["GROUNDUP_HOME"], "projects/x") == create_project(b"", id="x").path


def names() -> list[str]:
    """Return what the first column has: a name, or words."""
    cells = [cells[0] for cells in table(PAGE, "orchestr8")]
    return [codes(cell)[0].partition("(")[0] if codes(cell) else cell for cell in cells]


def test_every_row_has_a_check() -> None:
    assert names() == list(CHECKS)


@pytest.mark.parametrize("name", names())
def test_a_row_is_true(name: str, user: User, docker: Engine) -> None:
    share_facts(user)
    CHECKS[name](user, docker)


def test_the_names_are_public() -> None:
    assert {name for name in names() if hasattr(groundup, name)} == {
        "ExecutionRuntime",
        "IsolatedExecutionRuntime",
        "create_execution_runtime",
        "create_project",
        "generate_requirements",
    }


def test_a_failure_is_an_error(user: User) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        ExecutionRuntime().run_script(b"raise SystemExit(3)")
    assert failed.value.result.exit_code == 3
    with pytest.raises(UserError):
        create_project(b"", id="../other")


def test_the_example_runs(user: User, docker: Engine) -> None:
    share_facts(user)
    (example,) = [block.text for block in blocks(PAGE) if block.language == "python"]
    user.script("import alpha, os, sys; print(alpha.VERSION, sys.argv[1], os.environ['NAME'])", "report.py")
    known = example.replace('"humanize"', '"alpha"').replace("isolate=True,", "isolate=True, **PUT_IN,")
    source = f"PUT_IN = {PUT_IN}\n{known}"
    done = run(
        [sys.executable, "-c", source],
        env={**user.env, "DOCKER_HOST": docker.url},
        cwd=user.home,
    )
    assert (done.returncode, done.stdout) == (0, "1.1 argument value\n\n"), done.stderr
