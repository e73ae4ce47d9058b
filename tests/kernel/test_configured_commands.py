"""Commands that a repository configures, and words that are no command at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.errors import told
from tests.support.process import clean_env, run_kernel
from tests.support.repositories import bare_repository, write

COMMANDS = """
projects = []
[commands]
show = ["python", "-c", "import sys; print(sys.argv[1:], sys.prefix)", "first"]
where = ["pwd"]
fail = ["sh", "-c", "exit 7"]
absent = ["no-such-program"]
broken = ["./data.txt"]
escapes = ["printf", "%s", '\\x00 \\0']
"""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repo = bare_repository(tmp_path_factory.mktemp("commands") / "repo", COMMANDS)
    write(repo, "data.txt", "no program\n")
    run_kernel(repo, "boot", check=True)
    return repo


def test_arguments_are_appended_as_they_are(repo: Path) -> None:
    done = run_kernel(repo, "show", "--env", "a b", "-h", "--", "", "*", check=True)
    given = ["first", "--env", "a b", "-h", "--", "", "*"]
    assert done.stdout == f"{given} {repo / '.venv'}\n"


def test_letters_that_look_like_an_escape_are_letters(repo: Path) -> None:
    assert run_kernel(repo, "escapes", check=True).stdout == r"\x00 \0"


def test_a_command_runs_in_root(repo: Path, tmp_path: Path) -> None:
    assert run_kernel(repo, "where", cwd=tmp_path, check=True).stdout == f"{repo}\n"


def test_its_exit_code_is_the_kernels(repo: Path) -> None:
    done = run_kernel(repo, "fail")
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.parametrize("command", [("absent",), ("run", "no-such-program")])
def test_a_program_that_is_not_there_is_127(repo: Path, command: tuple[str, ...]) -> None:
    assert "no-such-program" in told(run_kernel(repo, *command), 127).error


@pytest.mark.parametrize("command", [("broken",), ("run", "./data.txt")])
def test_a_program_that_cannot_be_executed_is_126(repo: Path, command: tuple[str, ...]) -> None:
    assert "./data.txt" in told(run_kernel(repo, *command), 126).error


def test_a_changed_command_needs_no_build(repo: Path, tmp_path: Path) -> None:
    copied = bare_repository(tmp_path / "repo", COMMANDS)
    env = clean_env(tmp_path / "home")
    run_kernel(copied, "boot", env=env, check=True)
    marker = copied / ".venv/marker"
    marker.touch()
    write(copied, "groundup.toml", COMMANDS.replace('["pwd"]', '["echo", "changed"]'))
    assert run_kernel(copied, "where", env=env, check=True).stdout == "changed\n"
    assert marker.exists()


def test_a_word_that_is_nothing_says_how_to_get_the_neo_runtime(repo: Path) -> None:
    error, hint = told(run_kernel(repo, "quickstart"), 2)
    assert "quickstart" in error and "groundup" in hint


@pytest.mark.parametrize("word", ["bot", "shwo", "rnu"])
def test_a_word_that_is_nearly_a_command_gets_the_nearest_suggested(repo: Path, word: str) -> None:
    hint = told(run_kernel(repo, word), 2).hint
    assert {"bot": "boot", "shwo": "show", "rnu": "run"}[word] in hint


def test_run_needs_a_command(repo: Path) -> None:
    for words in (["run"], ["run", "--"]):
        assert "run" in told(run_kernel(repo, *words), 2).error


@pytest.mark.parametrize("option", ["--nothing", "-x", "--env", "--config"])
def test_an_option_that_cannot_be_read_is_named(repo: Path, option: str) -> None:
    assert option in told(run_kernel(repo, option), 2).error
