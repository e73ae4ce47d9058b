"""A script that selects the interpreter of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.errors import told
from tests.support.process import interpreters, run_kernel
from tests.support.repositories import bare_repository, write
from tests.support.requirements import require

CONFIGURATION = 'projects = []\n\npython_selector = "tools/choose.py"\n'
SHOW = ("run", "--", "python", "-c", "import sys; print(sys.base_prefix, sys.version_info[:2])")


def select(repo: Path, python: Path | str) -> Path:
    """Write a selector that prints `python`."""
    return write(repo, "tools/choose.py", f"print({str(python)!r})\n")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return bare_repository(tmp_path / "repo", CONFIGURATION)


@pytest.fixture
def two() -> tuple[Path, Path]:
    """Two interpreters of different versions, neither the oldest."""
    found = [path for version, path in interpreters().items() if version in ("3.11", "3.12", "3.13")]
    require(len(found) >= 2, "two CPythons from 3.11 to 3.13")
    return found[0], found[1]


def test_the_environment_gets_the_selected_interpreter(repo: Path, two: tuple[Path, Path]) -> None:
    for python in two:
        select(repo, python)
        shown = run_kernel(repo, *SHOW, check=True).stdout
        assert shown.startswith(f"{python.resolve().parents[1]} ")


def test_the_selector_runs_isolated_in_root(tmp_path: Path, repo: Path, two: tuple[Path, Path]) -> None:
    write(
        repo,
        "tools/choose.py",
        f"""
        import os, sys
        assert sys.flags.isolated == 1
        assert os.path.samefile(os.getcwd(), {str(repo)!r})
        print({str(two[0])!r})
        """,
    )
    run_kernel(repo, "boot", cwd=tmp_path, check=True)


def test_neither_it_nor_its_interpreter_reads_what_is_meant_for_the_command(
    tmp_path: Path, repo: Path, two: tuple[Path, Path]
) -> None:
    greedy = write(tmp_path, "greedy", f'#!/bin/sh\ncat > {tmp_path / "eaten"}\nexec {two[0]} "$@"\n')
    greedy.chmod(0o755)
    select(repo, greedy)
    done = run_kernel(repo, "run", "cat", stdin="all of it\n")
    assert done.stdout == "all of it\n"
    assert (tmp_path / "eaten").read_text() == ""


def test_a_warm_run_does_not_ask_the_selector_again(repo: Path, two: tuple[Path, Path]) -> None:
    script = write(repo, "tools/choose.py", f"open('asked', 'a').write('x')\nprint({str(two[0])!r})\n")
    run_kernel(repo, "boot", check=True)
    run_kernel(repo, "run", "true", check=True)
    assert (repo / "asked").read_text() == "x"
    script.write_text(script.read_text() + "# changed\n")
    run_kernel(repo, "run", "true", check=True)
    assert (repo / "asked").read_text() == "xx"


def test_the_selected_interpreter_must_fit_the_request(repo: Path, two: tuple[Path, Path]) -> None:
    select(repo, two[0])
    write(repo, "groundup.toml", CONFIGURATION + 'python = "3.99"\n')
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert f"{repo / 'groundup.toml'}:3" in error and "3.99" in error


BROKEN = {
    "nothing": "",
    "a relative path": "print('python3')",
    "a path of nothing": "print('/nowhere/python3')",
    "two lines": "import sys; print(sys.executable); print(sys.executable)",
    "no interpreter": "print('/bin/true')",
    "a folder": "print('/')",
    "a failure": "import sys; sys.exit(3)",
    "a traceback": "raise RuntimeError('cannot choose')",
    "no Python at all": "this is no python",
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
def test_a_selector_that_does_not_select_is_named(repo: Path, script: str) -> None:
    write(repo, "tools/choose.py", script + "\n")
    done = run_kernel(repo, "boot")
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    hints = [line for line in done.stderr.splitlines() if line.startswith("hint: ")]
    assert (done.returncode, done.stdout, len(errors), len(hints)) == (2, "", 1, 1), done.stderr
    assert f"{repo / 'groundup.toml'}:3" in errors[0] and "tools/choose.py" in errors[0]
    assert not (repo / ".venv").exists()


def test_a_selector_that_is_missing_is_named(repo: Path) -> None:
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert f"{repo / 'groundup.toml'}:3" in error and "tools/choose.py" in error
