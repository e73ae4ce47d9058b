"""What is inferred becomes a project, or the environment of a script."""

from __future__ import annotations

from groundup import ExecutionRuntime, create_project
from tests.support.users import User, requiring

CODE = "import alpha, gamma\nprint(alpha.VERSION, gamma.VERSION)\n"


def test_a_project_from_imports(user: User) -> None:
    project = create_project(user.script(CODE), requirements=True)
    assert project.requirements == ("alpha", "gamma")


def test_the_block_decides_about_what_it_declares(user: User) -> None:
    project = create_project(user.script(requiring("alpha<1.1") + CODE), requirements=True)
    assert project.requirements == ("alpha<1.1", "gamma")


def test_an_override_reaches_the_project(user: User) -> None:
    project = create_project(
        user.script(CODE), requirements=True, dependency_overrides={"alpha": "alpha==1.0"}
    )
    assert project.requirements == ("alpha==1.0", "gamma")


def test_a_script_runs_with_what_it_imports_and_asks_nobody_the_second_time(user: User) -> None:
    script = user.script(CODE)
    runtime = ExecutionRuntime()
    assert str(runtime.run_script(script, requirements=True)) == "1.1 1.0\n"
    asked = len(user.index.requests)
    assert str(runtime.run_script(script, requirements=True)) == "1.1 1.0\n"
    assert len(user.index.requests) == asked
