"""Configurations that cannot be used: one error and one hint that name the place, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.errors import told
from tests.support.process import clean_env, interpreters, run_kernel
from tests.support.repositories import copy_kernel, write, write_project
from tests.support.trees import facts

# name → (text of groundup.toml, line that is named, words of the error, words of the hint)
MALFORMED = {
    "no value": ("projects = []\nvenv =\n", 2, ["TOML"], []),
    "no TOML": ("projects = []\n\nhello\n", 3, ["TOML"], []),
    "twice": ('venv = "a"\nvenv = "b"\n', 2, ["TOML"], []),
    "open text": ('projects = []\nvenv = "a\n', 2, ["TOML"], []),
    "open list": ("# open\n\nprojects = [\n", 3, ["TOML"], []),
    "unknown key": ('projects = []\nvnev = "x"\n', 2, ["vnev"], ["venv"]),
    "unknown key without a neighbour": ('projects = []\nzzzzzz = "x"\n', 2, ["zzzzzz"], ["venv", "target"]),
    "unknown table": ("projects = []\n[comands]\na = ['b']\n", 2, ["comands"], ["commands"]),
    "unknown key of a project": (
        'projects = [\n  { path = ".", editible = true }\n]\n',
        1,
        ["editible"],
        ["editable"],
    ),
    "unknown key of a table of projects": (
        '[[projects]]\npath = "."\nextra = []\n',
        3,
        ["extra"],
        ["extras"],
    ),
    "unknown key of uv": (
        'projects = []\n[uv]\nminimum_version = "1"\n',
        3,
        ["minimum_version"],
        ["min_version"],
    ),
    "venv is no text": ("projects = []\nvenv = 3\n", 2, ["venv", "text"], []),
    "python is a number": ("projects = []\npython = 3.11\n", 2, ["python", "text"], []),
    "projects is text": ('# first\nprojects = "."\n', 2, ["projects", "list"], []),
    "projects is a list of text": ('projects = ["."]\n', 1, ["projects", "tables"], []),
    "projects is a table": ('[projects]\npath = "."\n', 1, ["projects", "list"], []),
    "extras is text": ('[[projects]]\npath = "."\nextras = "all"\n', 3, ["extras", "list"], []),
    "editable is text": ('[[projects]]\npath = "."\neditable = "no"\n', 3, ["editable", "true or false"], []),
    "project without a path": ("[[projects]]\neditable = true\n", 1, ["path"], []),
    "auth is text": ('projects = []\nauth = "keyring"\n', 2, ["auth", "list"], []),
    "no version of uv": ('projects = []\nuv.version = "latest"\n', 2, ["uv.version", "latest"], ["0."]),
    "no least version of uv": ('projects = []\n[uv]\nmin_version = ""\n', 3, ["uv.min_version"], ["0."]),
    "uv is text": ('projects = []\nuv = "0.13"\n', 2, ["uv", "table"], []),
    "commands is a list": ("projects = []\ncommands = []\n", 2, ["commands", "table"], []),
    "a command is text": ('projects = []\n[commands]\ntest = "pytest -q"\n', 3, ["test", "list"], []),
    "a command is empty": ("projects = []\n[commands]\ntest = []\n", 3, ["test"], []),
    "a command has numbers": ("projects = []\n[commands]\ntest = ['a', 1]\n", 3, ["test", "text"], []),
    "a command of the kernel's": ("projects = []\n[commands]\nboot = ['a']\n", 3, ["boot"], []),
    "neo is a list": ("projects = []\nneo = []\n", 2, ["neo", "table"], []),
    "target is a list": ("projects = []\ntarget = ['ready']\n", 2, ["target", "text"], []),
    "missing root": ('root = "nowhere"\n', 1, ["root", "nowhere"], []),
    "root is a file": ('root = "proto_kernel.py"\n', 1, ["root"], []),
    "a project that is not there": ('projects = [{ path = "gone" }]\n', 1, ["gone"], []),
    "a project without declarations": ('projects = [{ path = "empty" }]\n', 1, ["empty"], []),
    "an unknown extra": ('projects = [{ path = "one", extras = ["nope"] }]\n', 1, ["nope"], []),
    "an unknown group": ('projects = [{ path = "one", groups = ["nope"] }]\n', 1, ["nope"], []),
    "an empty venv": ('projects = []\nvenv = ""\n', 2, ["venv"], []),
    "a venv that is the repository": ('projects = []\nvenv = "."\n', 2, ["venv"], []),
    "a NUL": ('projects = []\nvenv = "a\\u0000b"\n', 2, ["venv"], []),
    "a NUL in a command": ('projects = []\ncommands.x = ["echo", "a\\u0000b"]\n', 2, ["commands"], []),
    "a NUL in a name": ('projects = []\nneo.x = [{ "a\\u0000b" = 1 }]\n', 2, ["neo.x.0"], []),
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A kernel, an empty folder, and a project with an extra and a group, but no configuration."""
    repo = tmp_path / "repo"
    copy_kernel(repo)
    (repo / "empty").mkdir()
    write_project(repo / "one", "one", extras={"x": []}, groups={"dev": []})
    return repo


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("command", ["boot", "config"])
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    tmp_path: Path, repo: Path, name: str, command: str
) -> None:
    text, line, words, advice = MALFORMED[name]
    file = write(repo, "groundup.toml", text)
    env = clean_env(tmp_path / "home")
    before = facts(tmp_path)
    error, hint = told(run_kernel(repo, command, env=env), 2)
    assert f"{file}:{line}:" in error
    assert all(word in error for word in words), error
    assert all(word in hint for word in advice), hint
    assert facts(tmp_path) == before


@pytest.mark.parametrize("command", ["boot", "reboot", "lock", "run", "config", "check"])
def test_every_command_tells_the_same(repo: Path, command: str) -> None:
    file = write(repo, "groundup.toml", "vnev = 1\n")
    words = [command, "true"] if command == "run" else [command]
    error, _ = told(run_kernel(repo, *words), 2)
    assert f"{file}:1:" in error


@pytest.mark.parametrize("text", ["project = 3", "[project]\nversion = '1'", "[project]\nname = ''"])
def test_a_project_that_has_no_name_is_an_error(repo: Path, text: str) -> None:
    write(repo, "groundup.toml", 'projects = [{ path = "one" }]\n')
    file = write(repo, "one/pyproject.toml", text + "\n")
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert f"{file}:" in error and "project.name" in error
    assert not (repo / ".venv").exists()


def test_both_forms_of_configuration_at_once_are_an_error(repo: Path) -> None:
    write(repo, "groundup.toml", "projects = []\n")
    file = write(repo, "pyproject.toml", '[project]\nname = "x"\n\n[tool.groundup]\ntarget = "x"\n')
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert f"{file}:4" in error and "groundup.toml" in error


def test_a_table_in_pyproject_is_named_by_its_line_there(repo: Path) -> None:
    file = write(
        repo, "pyproject.toml", '[project]\nname = "x"\n\n[tool.groundup]\nprojects = []\nvnev = "x"\n'
    )
    error, hint = told(run_kernel(repo, "boot"), 2)
    assert f"{file}:6:" in error and "vnev" in error and "venv" in hint


@pytest.mark.parametrize("text", ["[tool]\ngroundup = 3\n", "tool.groundup = []\n"])
def test_a_pyproject_whose_table_is_none_is_an_error(repo: Path, text: str) -> None:
    file = write(repo, "pyproject.toml", text)
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert str(file) in error


def test_a_broken_pyproject_of_a_project_is_named(repo: Path) -> None:
    write(repo, "groundup.toml", 'projects = [{ path = "one" }]\n')
    file = write(repo, "one/pyproject.toml", '[project]\nname = "one\n')
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert f"{file}:2:" in error


@pytest.mark.parametrize(
    "text",
    ["project = 3\n", "[project]\nname = 3\n", "[project]\nrequires-python = 3\n", "dependency-groups = 1\n",
     "[project]\nname='x'\noptional-dependencies = []\n", "tool = {uv = 3}\n", "[tool.uv]\nworkspace = 1\n"],
)  # fmt: skip
def test_a_pyproject_with_values_of_wrong_types_is_no_fault_of_the_kernel(repo: Path, text: str) -> None:
    write(repo, "groundup.toml", 'projects = [{ path = "one" }]\n')
    write(repo, "one/pyproject.toml", text)
    done = run_kernel(repo, "boot")
    if done.returncode:
        assert "unexpected" not in told(done, done.returncode).error


def test_text_that_is_not_utf8_is_named(repo: Path) -> None:
    file = repo / "groundup.toml"
    file.write_bytes(b'projects = []\ntarget = "\xff"\n')
    error, hint = told(run_kernel(repo, "boot"), 2)
    assert f"{file}:2" in error and "UTF-8" in error + hint


def test_a_byte_order_mark_and_windows_line_ends_are_fine(repo: Path) -> None:
    (repo / "groundup.toml").write_bytes(b'\xef\xbb\xbfprojects = []\r\ntarget = "x"\r\n')
    assert '"x"' in run_kernel(repo, "config", check=True).stdout


def test_a_file_nested_deeply_is_an_error(repo: Path) -> None:
    file = write(repo, "groundup.toml", f"neo.a = {'[' * 5000}{']' * 5000}\n")
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert str(file) in error


@pytest.mark.parametrize("name", ["groundup.toml", "envs/prod/groundup.toml"])
def test_the_file_of_the_leap_is_named(repo: Path, name: str) -> None:
    write(repo, "groundup.toml", "projects = []\n")
    write(repo, "envs/prod/groundup.toml", "\n")
    file = write(repo, name, "# first\nvnev = 1\n")
    error, _ = told(run_kernel(repo, "--env", "prod", "boot"), 2)
    assert f"{file}:2:" in error


def test_wrong_types_across_leaps_are_found_in_their_own_file(repo: Path) -> None:
    write(repo, "groundup.toml", 'projects = []\n[commands]\na = ["x"]\n')
    file = write(repo, "envs/prod/groundup.toml", "\ncommands = 3\n")
    error, _ = told(run_kernel(repo, "--env", "prod", "boot"), 2)
    assert f"{file}:1:" in error


# ── requests for a Python that cannot be met ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "request_", ["3.99", "==3.99.1", ">=3.98", "nonsense", "3.11.x.y", "/nowhere/python"]
)
def test_a_python_that_cannot_be_found_is_an_error_that_lists_what_was_found(
    tmp_path: Path, repo: Path, request_: str
) -> None:
    file = write(repo, "groundup.toml", f'projects = []\n\npython = "{request_}"\n')
    error, _ = told(run_kernel(repo, "boot", env=clean_env(tmp_path / "home")), 2)
    assert f"{file}:3" in error and request_ in error
    newest = list(interpreters())[-1]
    assert newest in error
    assert not (repo / ".venv").exists()


def test_the_place_of_an_unmet_python_version_file_is_named(repo: Path) -> None:
    write(repo, "groundup.toml", "projects = []\n")
    file = write(repo, ".python-version", "3.99\n")
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert f"{file}:1" in error


def test_the_place_of_an_unmet_requires_python_is_named(repo: Path) -> None:
    write(repo, "groundup.toml", 'projects = [{ path = "one" }]\n')
    file = write(
        repo, "one/pyproject.toml", '[project]\nname = "one"\nversion = "1"\nrequires-python = ">=3.99"\n'
    )
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert f"{file}:4" in error and ">=3.99" in error


def test_an_unmet_python_leaves_the_old_environment_as_it_is(repo: Path) -> None:
    write(repo, "groundup.toml", "projects = []\n")
    run_kernel(repo, "boot", check=True)
    before = facts(repo / ".venv")
    write(repo, "groundup.toml", 'projects = []\npython = "3.99"\n')
    for command in ("boot", "reboot"):
        told(run_kernel(repo, command), 2)
        assert facts(repo / ".venv") == before


def test_a_venv_that_is_something_else_is_not_overwritten(repo: Path) -> None:
    file = write(repo, "groundup.toml", 'projects = []\nvenv = "one"\n')
    before = facts(repo / "one")
    error, _ = told(run_kernel(repo, "boot"), 2)
    assert f"{file}:2" in error and str(repo / "one") in error
    assert facts(repo / "one") == before
