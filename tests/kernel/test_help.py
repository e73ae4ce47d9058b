"""`--help`: the kernel's own commands always, those of the neo runtime when the environment is ready."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from groundup import proto_kernel
from tests.support.process import describe, run_kernel
from tests.support.repositories import bare_repository, repository, write
from tests.support.trees import facts

NEO = "import sys\nprint('neo', *sys.argv[1:])\n"


@pytest.fixture
def repo(tmp_path: Path, env: dict[str, str]) -> Path:
    """A repository whose environment, just built, has a module `groundup` that repeats its arguments."""
    repo = repository(tmp_path / "repo", "groundup", scripts={"groundup": "groundup.__main__:main"})
    write(repo, "src/groundup/__main__.py", NEO)
    run_kernel(repo, "run", "true", env=env, check=True)
    return repo


def test_right_after_the_build_it_lists_the_commands_of_the_neo_runtime(
    repo: Path, env: dict[str, str]
) -> None:
    for touch in (False, True):
        if touch:
            os.utime(repo / "pyproject.toml")
        before = facts(repo / ".venv", repo / ".groundup")
        done = run_kernel(repo, "--help", env=env, check=True)
        assert done.stdout.splitlines()[-1] == "neo --help", describe(done)
        assert facts(repo / ".venv", repo / ".groundup") == before


def test_it_does_not_where_something_was_changed(repo: Path, env: dict[str, str]) -> None:
    with (repo / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    done = run_kernel(repo, "--help", env=env, check=True)
    assert "neo --help" not in done.stdout.splitlines()
    assert run_kernel(repo, "check", env=env).returncode == 1


@pytest.mark.parametrize("name", ["groundup.toml", "pyproject.toml"])
@pytest.mark.parametrize("what", ["dangling", "folder", "text"])
def test_it_works_whatever_the_configuration_is(tmp_path: Path, name: str, what: str) -> None:
    repo = bare_repository(tmp_path / "repo")
    (repo / name).unlink(missing_ok=True)
    if what == "dangling":
        (repo / name).symlink_to("nowhere")
    elif what == "folder":
        (repo / name).mkdir()
    else:
        (repo / name).write_text("no TOML\n")
    done = run_kernel(repo, "--help", check=True)
    assert all(command in done.stdout for command in proto_kernel.KERNEL_COMMANDS)
    (line,) = [line for line in done.stdout.splitlines() if "(unknown: " in line]
    assert name in line
