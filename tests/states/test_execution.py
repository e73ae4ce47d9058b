"""The states that make projects and execute them and scripts."""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from groundup.config import Config
from groundup.dag import (
    Outcome,
    ParamsError,
    Report,
    Runner,
    State,
    StateFailedError,
    StateGraph,
    Status,
    state,
)
from groundup.dag.uptodate import Tracker
from groundup.execution import ExecutionResult, ExecutionRuntime
from groundup.execution.container.engine import Engine
from groundup.projects import Project, create_project, get_project, list_projects, remove_project
from groundup.states import builtin_graph
from tests.support.background import until
from tests.support.containers import TAG, docker, owned, share_facts
from tests.support.holding import HOLD, is_held, is_there
from tests.support.requirements import require
from tests.support.users import User, requiring, small_index, user, uv, wheels

__all__ = ["docker", "small_index", "user", "uv", "wheels"]


@pytest.fixture
def root(user: User, tmp_path: Path) -> Path:
    """A repository's root folder."""
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder


def reached(root: Path, name: str, *states: State[..., Any], **params: dict[str, Any]) -> Report:
    """Reach a state, with the records of earlier runs."""
    config = Config(root=root, venv=root / ".venv")
    graph = StateGraph([*builtin_graph(), *states])
    with (
        Tracker(config.root, config.data) as tracker,
        Runner(graph, overrides={"config": config}, params=params, tracker=tracker) as runner,
    ):
        return runner.reach(name)


def reach(root: Path, name: str, *states: State[..., Any], **params: dict[str, Any]) -> Outcome:
    report = reached(root, name, *states, **params)
    report.raise_for_failure()
    return report.outcomes[-1]


def test_a_project_is_made_once(root: Path) -> None:
    (root / "tool.py").write_text(requiring("alpha") + "print(1)")
    create = partial(reach, root, "project_created", project_created={"script": "tool.py"})
    first = create()
    assert (first.status, first.value) == (Status.CHANGED, get_project("tool"))
    assert create().status is Status.SKIPPED


@pytest.mark.parametrize(
    ("text", "params"),
    [
        (requiring("alpha") + "print(2)", {}),
        (requiring("gamma") + "print(1)", {}),
        (None, {"requirements": ["gamma"]}),
        (None, {"requirements": True, "dependency_overrides": {"delta": "beta"}}),
    ],
)
def test_it_is_made_again_when_it_is_another_one(
    root: Path, text: str | None, params: dict[str, Any]
) -> None:
    (root / "tool.py").write_text(requiring("alpha") + "import delta; print(1)")
    reach(root, "project_created", project_created={"script": "tool.py"})
    before = get_project("tool").path.stat().st_ino
    if text:
        (root / "tool.py").write_text(text)
    create = partial(reach, root, "project_created", project_created={"script": "tool.py", **params})
    assert create().status is not Status.SKIPPED
    assert get_project("tool").path.stat().st_ino != before
    assert create().status is Status.SKIPPED


def test_one_that_does_not_work_is_made_again(root: Path) -> None:
    (root / "tool.py").write_text("print(1)")
    create = partial(reach, root, "project_created", project_created={"script": "tool.py", "id": "x"})
    create()
    get_project("x").python.unlink()
    assert create().status is not Status.SKIPPED
    assert get_project("x").environment.works()


def test_a_bad_script_fails_and_leaves_the_old_project(root: Path) -> None:
    (root / "tool.py").write_text("print(1)")
    params = {"project_created": {"script": "tool.py"}}
    reach(root, "project_created", **params)
    (root / "tool.py").write_text("print(")
    with pytest.raises(StateFailedError, match="never closed"):
        reach(root, "project_created", **params)
    assert get_project("tool").script.read_text() == "print(1)"


def test_a_project_is_executed(root: Path) -> None:
    (root / "tool.py").write_text(
        "import os, sys; print(sys.argv[1:], os.environ['MODE'], os.getcwd(), input())"
    )
    (root / "data").mkdir()
    outcome = reach(
        root,
        "project_executed",
        project_created={"script": "tool.py"},
        project_executed={"args": ["a"], "env": {"MODE": "fast"}, "cwd": "data", "stdin": "in\n"},
    )
    assert isinstance(outcome.value, ExecutionResult)
    assert outcome.value.stdout == f"['a'] fast {root / 'data'} in\n"


def test_a_project_is_not_made_again_to_be_executed(root: Path) -> None:
    (root / "tool.py").write_text(requiring("alpha") + "print(1)")
    execute = partial(reached, root, "project_executed", project_created={"script": "tool.py"})
    execute().raise_for_failure()
    made = get_project("tool").path.stat()
    again = {outcome.state.name: outcome for outcome in execute().outcomes}
    assert again["project_created"].status is Status.SKIPPED
    assert again["project_executed"].status is Status.OK
    assert get_project("tool").path.stat() == made


def test_a_project_that_there_is_needs_its_id_alone(root: Path) -> None:
    (root / "tool.py").write_text("print(1)")
    reach(root, "project_created", project_created={"script": "tool.py"})
    (root / "tool.py").unlink()
    outcome = reach(root, "project_executed", project_created={"id": "tool"})
    assert outcome.value.stdout == "1\n"
    remove_project("tool")
    with pytest.raises(StateFailedError, match="there is no project 'tool'"):
        reach(root, "project_created", project_created={"id": "tool"})
    with pytest.raises(StateFailedError, match="there is no project 'tol'"):
        reach(root, "project_executed", project_created={"id": "tol"})


def test_a_script_is_executed_in_every_run(root: Path) -> None:
    (root / "tool.py").write_text("import alpha; print(alpha.VERSION)")
    for _ in range(2):
        outcome = reach(
            root, "script_executed", script_executed={"script": "tool.py", "requirements": ["alpha<1.1"]}
        )
        assert outcome.value.stdout == "1.0\n"
    assert list_projects() == []


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("project_created", {}),
        ("script_executed", {}),
        ("script_executed", {"script": "tool.py", "timeout": 0}),
        ("script_executed", {"script": "tool.py", "arguments": []}),
        ("execution_runtime", {"isolate": "vm"}),
        ("execution_runtime", {"isolate": "sandbox", "settings": {"isolate": False}}),
        ("script_executed", {"script": "tool.py", "settings": {"memory": "1g"}}),
    ],
)
def test_bad_parameters_are_refused(root: Path, name: str, params: dict[str, Any]) -> None:
    with pytest.raises(ParamsError, match=name):
        reach(root, name, **{name: params})


def test_a_failure_is_the_states(root: Path) -> None:
    (root / "tool.py").write_text("print('before'); raise SystemExit(3)")
    with pytest.raises(StateFailedError, match="failed with exit code 3") as failed:
        reach(root, "script_executed", script_executed={"script": "tool.py"})
    assert failed.value.exit_code == 3


def test_what_is_written_is_the_states_output(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "tool.py").write_text("import sys; print('out'); print('err', file=sys.stderr)")
    reach(root, "script_executed", script_executed={"script": "tool.py"})
    assert sorted(capsys.readouterr().out.splitlines()) == ["err", "out"]


def test_the_runtime_says_where_it_runs(root: Path) -> None:
    outcome = reach(root, "execution_runtime")
    assert type(outcome.value) is ExecutionRuntime
    assert str(outcome.value).startswith("host:")


ASKING = "import os, sys; print(os.path.exists(sys.argv[1]))"


@pytest.mark.parametrize("place", ["execution_runtime", "script_executed"])
def test_a_script_is_executed_in_a_sandbox(place: str, root: Path) -> None:
    require(sys.platform == "linux", "Linux")
    (root / "tool.py").write_text(ASKING)
    given: dict[str, dict[str, Any]] = {
        "script_executed": {"script": "tool.py", "args": [str(root.parent / "home")], "cwd": "data"},
        "execution_runtime": {},
    }
    given[place] |= {"isolate": "sandbox", "settings": {"memory": "256m", "processes": 8}}
    (root / "data").mkdir()
    result = reach(root, "script_executed", **given).value
    assert (result.stdout, result.environment) == ("False\n", "sandbox:bubblewrap")


def test_one_state_is_isolated_and_another_is_not(root: Path) -> None:
    require(sys.platform == "linux", "Linux")

    @state
    def both(script_executed: ExecutionResult, project_executed: ExecutionResult) -> list[str]:
        """Where they ran."""
        return [script_executed.environment, project_executed.environment]

    (root / "tool.py").write_text("print(1)")
    outcome = reach(
        root,
        "both",
        both,
        script_executed={"script": "tool.py", "isolate": False},
        project_created={"script": "tool.py"},
        project_executed={"isolate": "sandbox"},
        execution_runtime={"isolate": "sandbox", "settings": {"memory": "64m"}},
    )
    assert [place.partition(":")[0] for place in outcome.value] == ["host", "sandbox"]


def test_containers_that_are_kept_ready_end_with_the_run(root: Path, user: User, docker: Engine) -> None:
    share_facts(user)
    (root / "tool.py").write_text("print(1)")
    settings = {"engine": docker.url, "pull": "never", "warm": 1, "inside_container": "isolate"}
    outcome = reach(
        root,
        "script_executed",
        script_executed={"script": "tool.py"},
        execution_runtime={"isolate": True, "python_tag": TAG, "settings": settings},
    )
    assert (outcome.value.stdout, outcome.value.environment) == ("1\n", "container:docker")
    assert owned(docker) == []


def test_each_can_be_replaced_and_extended(root: Path) -> None:
    ran: list[str] = []

    class Telling(ExecutionRuntime):
        def run_project(self, project_id: str, *args: Any, **options: Any) -> ExecutionResult:
            ran.append(project_id)
            return super().run_project(project_id, *args, **options)

    @state(replaces="execution_runtime")
    def telling_runtime() -> ExecutionRuntime:
        """A runtime that tells what it runs."""
        return Telling()

    @state(replaces="project_created")
    def checked_project(replaced: Project) -> Project:
        """A project that was looked at."""
        ran.append(f"checked {replaced.id}")
        return replaced

    @state
    def told(project_executed: ExecutionResult) -> str:
        """What the project wrote."""
        return project_executed.stdout

    (root / "tool.py").write_text("print(1)")
    outcome = reach(
        root,
        "told",
        *(telling_runtime, checked_project, told),
        **{"project_created.replaced": {"script": "tool.py"}},
    )
    assert (outcome.value, ran) == ("1\n", ["checked tool", "tool"])


def test_an_interrupted_run_ends_the_tree(root: Path, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    (root / "tool.py").write_text(f"{HOLD}\ndaemon(sys.argv[1])\nwait_for(sys.argv[1])\ntime.sleep(600)")
    config = Config(root=root, venv=root / ".venv")
    params = {"script_executed": {"script": "tool.py", "args": [str(lock)]}}
    with Runner(builtin_graph(), overrides={"config": config}, params=params) as runner:
        running = threading.Thread(target=runner.reach, args=("script_executed",))
        running.start()
        until(partial(is_there, lock), "the daemon")
        runner.kill()
        running.join()
    assert not is_held(lock)


def test_of_two_projects_that_are_made_the_one_that_is_asked_for_is_executed(root: Path) -> None:
    for name in ("one", "two"):
        (root / f"{name}.py").write_text(f"print({name!r})")
        create_project(root / f"{name}.py")
    for name in ("one", "two", "one"):
        outcome = reach(root, "project_executed", project_created={"script": f"{name}.py"})
        assert outcome.value.stdout == f"{name}\n"
