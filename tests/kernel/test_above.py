"""What stands above a repository does not reach into it: settings, workspaces, requests for a Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernel.configuring import effective
from tests.support.errors import told
from tests.support.process import describe, run_kernel
from tests.support.repositories import repository, write, write_project
from tests.support.trees import facts

IMPORTS = ("run", "--", "python", "-IB", "-c", "import alpha, demo; print('works')")
NO_INDEX = "no-index = true"
NO_UV = 'required-version = "==99"'  # a setting with which every uv that reads it refuses to work
OUTER = '[tool.uv.workspace]\nmembers = ["*"]\n'


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["requirements.lock", "uv.lock"])
@pytest.mark.parametrize(
    ("name", "text"), [("uv.toml", NO_UV), ("pyproject.toml", f"[tool.uv]\n{NO_UV}")], ids=["uv", "pyproject"]
)
def test_settings_above_root_are_not_read(
    tmp_path: Path, env: dict[str, str], kind: str, name: str, text: str
) -> None:
    tool = {"uv": {"workspace": {"members": ["packages/*"]}}} if kind == "uv.lock" else None
    repo = repository(tmp_path / "outer/deep/repo", dependencies=["alpha"], tool=tool)
    write(tmp_path, f"outer/{name}", text + "\n")
    for command in (IMPORTS, ("reboot",), ("lock",), IMPORTS):
        done = run_kernel(repo, *command, env=env)
        assert done.returncode == 0, describe(done)
    assert (repo / kind).is_file()


@pytest.mark.parametrize(
    ("name", "text"),
    [("uv.toml", NO_INDEX), ("pyproject.toml", f"\n[tool.uv]\n{NO_INDEX}")],
    ids=["uv", "pyproject"],
)
def test_roots_own_settings_are(tmp_path: Path, env: dict[str, str], name: str, text: str) -> None:
    repo = repository(tmp_path / "outer/repo", dependencies=["alpha"])
    write(tmp_path, "outer/uv.toml", NO_UV + "\n")
    with (repo / name).open("a") as file:
        file.write(text + "\n")
    done = run_kernel(repo, "boot", env=env)
    told(done, 1)
    assert "alpha was not found" in done.stderr, describe(done)


def test_the_users_settings_are_read_whatever_stands_above(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "outer/repo", dependencies=["alpha"])
    write(tmp_path, "outer/uv.toml", NO_UV + "\n")
    write(Path(env["HOME"]), ".config/uv/uv.toml", NO_INDEX + "\n")
    done = run_kernel(repo, "boot", env=env)
    told(done, 1)
    assert "alpha was not found" in done.stderr, describe(done)


# ── workspaces ───────────────────────────────────────────────────────────────────────────────────────


def captured(folder: Path, outer: str = OUTER) -> Path:
    """Make a repository that needs `alpha` below a workspace that needs `gamma`."""
    write_project(folder, "outer", dependencies=["gamma"])
    with (folder / "pyproject.toml").open("a") as file:
        file.write(f"\n{outer}")
    return repository(folder / "repo", dependencies=["alpha"])


def own_lock(tmp_path: Path, env: dict[str, str]) -> str:
    """Return the text of a `uv.lock` for the repository of these tests."""
    tool = {"uv": {"workspace": {"members": ["packages/*"]}}}
    alone = repository(tmp_path / "alone", dependencies=["alpha"], tool=tool)
    run_kernel(alone, "lock", env=env, check=True)
    return (alone / "uv.lock").read_text()


@pytest.mark.parametrize("command", ["boot", "lock"])
def test_a_workspace_above_that_claims_the_repository_is_an_error(
    tmp_path: Path, env: dict[str, str], command: str
) -> None:
    repo = captured(tmp_path / "outer")
    write(repo, "uv.lock", own_lock(tmp_path, env))
    before = facts(tmp_path / "outer/pyproject.toml", repo / "uv.lock")
    error, hint = told(run_kernel(repo, command, env=env), 2)
    outer = tmp_path / "outer/pyproject.toml"
    line = outer.read_text().splitlines().index("[tool.uv.workspace]") + 1
    assert f"{outer}:{line}" in error and str(repo) in error
    assert "exclude" in hint
    assert facts(outer, repo / "uv.lock") == before
    assert not (tmp_path / "outer/uv.lock").exists()


def test_it_is_one_without_a_uv_lock_too(tmp_path: Path, env: dict[str, str]) -> None:
    repo = captured(tmp_path / "outer", OUTER + '\n[tool.uv.sources]\nalpha = { path = "planted" }\n')
    write_project(tmp_path / "outer/planted", "alpha", version="6.6")
    error, _ = told(run_kernel(repo, "boot", env=env), 2)
    assert str(tmp_path / "outer/pyproject.toml") in error
    assert not (repo / "requirements.lock").exists()


@pytest.mark.parametrize(
    "outer",
    [OUTER + 'exclude = ["repo"]\n', OUTER.replace("*", "packages/*")],
    ids=["excluded", "not a member"],
)
def test_a_workspace_above_that_leaves_it_alone_is_none(
    tmp_path: Path, env: dict[str, str], outer: str
) -> None:
    repo = captured(tmp_path / "outer", outer)
    write(repo, "uv.lock", own_lock(tmp_path, env))
    done = run_kernel(repo, *IMPORTS, env=env)
    assert (done.returncode, done.stdout) == (0, "works\n"), describe(done)
    assert not (tmp_path / "outer/uv.lock").exists()


def test_a_workspace_of_its_own_keeps_the_one_above_out(tmp_path: Path, env: dict[str, str]) -> None:
    repo = captured(tmp_path / "outer")
    write(repo, "uv.lock", own_lock(tmp_path, env))
    with (repo / "pyproject.toml").open("a") as file:
        file.write("\n[tool.uv.workspace]\n")
    done = run_kernel(repo, *IMPORTS, env=env)
    assert (done.returncode, done.stdout) == (0, "works\n"), describe(done)
    assert not (tmp_path / "outer/uv.lock").exists()


@pytest.mark.parametrize(
    "text", ["members = 3", "members = [3]", "exclude = 3", "members = [", "members = {}"]
)
def test_a_workspace_above_that_uv_refuses_is_named(tmp_path: Path, env: dict[str, str], text: str) -> None:
    repo = repository(tmp_path / "outer/repo", dependencies=["alpha"])
    outer = write(tmp_path, "outer/pyproject.toml", f"[tool.uv.workspace]\n{text}\n")
    done = run_kernel(repo, "boot", env=env)
    told(done, 1)
    assert f"Failed to parse: {outer}" in done.stderr.replace("`", ""), describe(done)


# ── requests for a Python ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("request_", ["{python}", "./python", "python/bin/python3"])
def test_a_python_version_above_root_names_no_program(
    tmp_path: Path, env: dict[str, str], request_: str
) -> None:
    repo = repository(tmp_path / "outer/repo", dependencies=["alpha"])
    for name in ("outer/python", "outer/python/bin/python3"):
        program = tmp_path / ("outer/planted" if name == "outer/python" else name)
        write(program.parent, program.name, f"#!/bin/sh\necho > {tmp_path / 'ran'}\n").chmod(0o755)
    write(tmp_path, "outer/.python-version", request_.format(python=tmp_path / "outer/planted") + "\n")
    done = run_kernel(repo, *IMPORTS, env=env)
    assert (done.returncode, done.stdout) == (0, "works\n"), describe(done)
    assert not (tmp_path / "ran").exists()


OTHERS = [
    "system",
    "my-env",
    "myenv-3.11",
    "3.12.1/envs/mine",
    "miniconda3-4.7.12",
    "pypy",
    "3.13-dev",
    "any",
]


@pytest.mark.parametrize("line", OTHERS)
def test_a_name_above_root_that_is_no_version_is_passed_over(
    tmp_path: Path, env: dict[str, str], line: str
) -> None:
    repo = repository(tmp_path / "outer/repo", dependencies=["alpha"])
    write(tmp_path, "outer/.python-version", f"{line}\n")
    assert effective(repo, env=env)["python"] == ">=3.11"
    done = run_kernel(repo, *IMPORTS, env=env)
    assert (done.returncode, done.stdout) == (0, "works\n"), describe(done)


VERSIONS = ["3", "3.12.1", "3.13t", "3.14rc1", "3.13+freethreaded", "python3.12", "cp312", "cpython@3.12"]
VERSIONS += ["cpython-3.12", "cpython-3.12.1-linux-x86_64-gnu", "pypy3.10", "==3.12.*", ">= 3.12, < 3.14"]


@pytest.mark.parametrize("line", VERSIONS)
def test_every_form_of_a_version_above_root_is_asked_for(
    tmp_path: Path, env: dict[str, str], line: str
) -> None:
    repo = repository(tmp_path / "outer/repo")
    write(tmp_path, "outer/.python-version", f"my-env\n{line}\n")
    assert effective(repo, env=env)["python"] == line


def test_a_version_above_root_is_still_asked_for(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "outer/repo")
    write(tmp_path, "outer/.python-version", "/somewhere/python\n3.12\n")
    assert effective(repo, env=env)["python"] == "3.12"
