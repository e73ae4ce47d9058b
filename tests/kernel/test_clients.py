"""Any client: kinds of locks and projects, build backends, repositories of one project and of many."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.environments import ask, installed, origin
from tests.support.errors import told
from tests.support.index import IndexServer
from tests.support.process import clean_env, describe, run, run_kernel
from tests.support.repositories import (
    BACKENDS,
    bare_repository,
    copy_kernel,
    monorepo,
    repository,
    workspace,
    write,
    write_project,
)
from tests.support.trees import facts
from tests.support.uv import real_uv
from tests.support.wheels import build_wheel, sha256

LOCKS = ("requirements.lock", "uv.lock", "pylock.toml")


def lock_by_uv(repo: Path, kind: str, env: Mapping[str, str]) -> None:
    """Let uv itself, without the kernel, write the lock of `repo`."""
    uv, options = str(real_uv()), ["--quiet", "--no-header"]
    commands = {
        "uv.lock": [uv, "lock", "--quiet"],
        "requirements.lock": [
            uv,
            "pip",
            "compile",
            *options,
            "--generate-hashes",
            "-o",
            kind,
            "pyproject.toml",
        ],
        "pylock.toml": [uv, "pip", "compile", *options, "--format", kind, "-o", kind, "pyproject.toml"],
    }
    run(commands[kind], env=env, cwd=repo, check=True)


@pytest.mark.parametrize("kind", LOCKS)
def test_a_lock_that_is_there_decides_about_versions(tmp_path: Path, env: dict[str, str], kind: str) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta", "alpha<1.1"])
    lock_by_uv(repo, kind, env)
    lock = (repo / kind).read_text()
    if kind != "uv.lock":  # which checks by itself that it fits
        write_project(repo, dependencies=["beta", "alpha"])
    run_kernel(repo, "--locked", "boot", env=env, check=True)
    assert installed(repo) == {"demo": "0.1.0", "beta": "1.0", "alpha": "1.0"}
    assert (repo / kind).read_text() == lock
    assert sorted(name for name in LOCKS if (repo / name).exists()) == [kind]


def test_without_a_lock_one_with_hashes_and_without_addresses_is_written(
    tmp_path: Path, env: dict[str, str], index: IndexServer
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    done = run_kernel(repo, "boot", env=env, check=True)
    assert f"{repo / 'requirements.lock'} was written" in done.stderr
    lock = (repo / "requirements.lock").read_text()
    assert lock.startswith("#")
    assert f"beta==1.0 \\\n    --hash=sha256:{sha256(index.folder / 'beta-1.0-py3-none-any.whl')}" in lock
    assert "alpha==1.1" in lock
    assert not any(word in lock for word in ("://", "demo==", "demo @", str(tmp_path), str(index.port)))


def test_a_workspace_asks_for_a_uv_lock(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(
        tmp_path / "repo", dependencies=["beta"], tool={"uv": {"workspace": {"members": ["packages/*"]}}}
    )
    run_kernel(repo, "boot", env=env, check=True)
    assert (repo / "uv.lock").exists()
    assert not (repo / "requirements.lock").exists()


def test_a_table_of_a_workspace_may_be_empty(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"], tool={"uv": {"workspace": {}}})
    run_kernel(repo, "boot", env=env, check=True)
    assert (repo / "uv.lock").is_file()
    assert not (repo / "requirements.lock").exists()


def test_the_same_declarations_give_the_same_lock(tmp_path: Path, env: dict[str, str]) -> None:
    locks = set()
    for name in ("one", "two"):
        repo = repository(tmp_path / name, dependencies=["beta", "gamma"])
        run_kernel(repo, "lock", env=env, check=True)
        locks.add((repo / "requirements.lock").read_text())
    assert len(locks) == 1


def test_the_lock_command_writes_the_lock_and_nothing_else(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    done = run_kernel(repo, "lock", env=env, check=True)
    assert done.stdout == ""
    assert (repo / "requirements.lock").exists()
    assert not (repo / ".venv").exists()


def test_a_file_with_another_hash_is_refused(tmp_path: Path, env: dict[str, str], index: IndexServer) -> None:
    repo = repository(tmp_path / "repo", dependencies=["gamma"])
    write(repo, "requirements.lock", f"gamma==1.0 --hash=sha256:{'0' * 64}\n")
    done = run_kernel(repo, "boot", env=env)
    assert done.returncode == 1, describe(done)
    assert "gamma" in done.stderr
    assert sha256(index.folder / "gamma-1.0-py3-none-any.whl") in done.stderr
    assert not list(repo.glob(".venv/lib/*/site-packages/gamma*"))


def test_a_lock_without_hashes_is_refused(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["gamma"])
    write(repo, "requirements.lock", "gamma==1.0\n")
    done = run_kernel(repo, "boot", env=env)
    assert done.returncode == 1
    assert "hash" in done.stderr


@pytest.fixture(params=["requirements.lock", "uv.lock"])
def outgrown(request: pytest.FixtureRequest, tmp_path: Path, env: dict[str, str]) -> tuple[Path, str]:
    """A repository whose lock, an old but good one, does not know of the newest dependency."""
    kind: str = request.param
    tool: dict[str, Any] | None = (
        {"uv": {"workspace": {"members": ["packages/*"]}}} if kind == "uv.lock" else None
    )
    repo = repository(tmp_path / "repo", dependencies=["beta", "alpha<1.1"], tool=tool)
    run_kernel(repo, "lock", env=env, check=True)
    write_project(repo, dependencies=["beta", "alpha", "gamma"], tool=tool)
    return repo, kind


def test_a_lock_that_no_longer_fits_is_updated_a_little_and_that_is_said(
    outgrown: tuple[Path, str], env: dict[str, str]
) -> None:
    repo, kind = outgrown
    done = run_kernel(repo, "boot", env=env, check=True)
    assert f"{repo / kind} was updated" in done.stderr, describe(done)
    assert installed(repo) == {"demo": "0.1.0", "beta": "1.0", "alpha": "1.0", "gamma": "1.0"}
    assert "was updated" not in run_kernel(repo, "boot", env=env, check=True).stderr


@pytest.mark.parametrize(("options", "ci"), [(["--locked"], None), ([], "true"), ([], "1")])
def test_where_the_lock_must_not_change_it_is_an_error_that_names_it(
    outgrown: tuple[Path, str], env: dict[str, str], options: list[str], ci: str | None
) -> None:
    repo, kind = outgrown
    before = (repo / kind).read_bytes()
    done = run_kernel(repo, *options, "boot", env={**env, **({"CI": ci} if ci else {})})
    assert str(repo / kind) in told(done, 2).error
    assert (repo / kind).read_bytes() == before


@pytest.mark.parametrize("kind", ["requirements.lock", "pylock.toml"])
def test_a_lock_that_groundup_did_not_write_is_never_changed(
    tmp_path: Path, env: dict[str, str], kind: str
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    lock_by_uv(repo, kind, env)
    lock = (repo / kind).read_text()
    write_project(repo, dependencies=["beta", "gamma"])
    done = run_kernel(repo, "boot", env=env)
    assert (done.returncode, (repo / kind).read_text()) == (1, lock), describe(done)
    assert "+ gamma==1.0" in done.stderr
    assert str(repo / kind) in done.stderr.splitlines()[-2]


def test_such_a_lock_is_checked_for_a_project_that_is_no_package_too(
    tmp_path: Path, env: dict[str, str]
) -> None:
    repo = bare_repository(tmp_path / "repo")
    declared = '[project]\nname = "plain"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = [{}]\n'
    write(repo, "pyproject.toml", declared.format('"beta"'))
    (repo / "groundup.toml").unlink(missing_ok=True)
    run_kernel(repo, "lock", env=env, check=True)
    lock = (repo / "requirements.lock").read_text()
    write(repo, "requirements.lock", lock.partition("\n")[2])
    run_kernel(repo, "--locked", "boot", env=env, check=True)
    write(repo, "pyproject.toml", declared.format('"beta", "gamma"'))
    done = run_kernel(repo, "--locked", "boot", env=env)
    assert done.returncode == 1, describe(done)
    assert "+ gamma==1.0" in done.stderr.splitlines()[-2]


@pytest.mark.parametrize("value", ["", "0", "false", "False"])
def test_ci_that_is_off_does_not_lock(tmp_path: Path, env: dict[str, str], value: str) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    run_kernel(repo, "boot", env={**env, "CI": value}, check=True)


@pytest.mark.parametrize("kind", ["requirements.lock", "uv.lock"])
def test_reboot_upgrades_what_a_boot_keeps(tmp_path: Path, env: dict[str, str], kind: str) -> None:
    tool = {"uv": {"workspace": {"members": ["packages/*"]}}} if kind == "uv.lock" else None
    repo = repository(tmp_path / "repo", dependencies=["alpha<1.1"], tool=tool)
    run_kernel(repo, "boot", env=env, check=True)
    write_project(repo, dependencies=["alpha"], tool=tool)
    run_kernel(repo, "boot", env=env, check=True)
    assert installed(repo)["alpha"] == "1.0"
    run_kernel(repo, "reboot", env=env, check=True)
    assert installed(repo)["alpha"] == "1.1"


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_build_backend_installs_editable_and_not(tmp_path: Path, backend: str, fetched: None) -> None:
    projects: list[dict[str, Any]] = [
        {"name": "linked", "backend": backend},
        {"name": "copied", "backend": backend, "install": {"editable": False}},
    ]
    repo = monorepo(tmp_path / "repo", projects)
    run_kernel(repo, "boot", env=clean_env(tmp_path / "home"), check=True)
    assert origin(repo, "linked") == repo / "linked/src/linked/__init__.py"
    assert (repo / ".venv") in origin(repo, "copied").parents


def test_a_project_with_a_setup_script_only(tmp_path: Path, fetched: None) -> None:
    repo = tmp_path / "repo"
    copy_kernel(repo)
    write(
        repo, "setup.py", "from setuptools import setup\nsetup(name='old', version='3', py_modules=['old'])\n"
    )
    write(repo, "old.py", "")
    run_kernel(repo, "boot", env=clean_env(tmp_path / "home"), check=True)
    assert origin(repo, "old") == repo / "old.py"


def test_a_folder_of_scripts_without_a_package(tmp_path: Path, env: dict[str, str]) -> None:
    repo = tmp_path / "repo"
    copy_kernel(repo)
    declared = (
        '[project]\nname = "scripts"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["beta"]\n'
    )
    write(repo, "pyproject.toml", declared)
    run_kernel(repo, "boot", env=env, check=True)
    assert installed(repo) == {"beta": "1.0", "alpha": "1.1"}


def test_console_scripts_are_on_path(tmp_path: Path, env: dict[str, str]) -> None:
    source = "\n\ndef main():\n    import sys\n    print('demo', sys.argv[1:])\n"
    repo = repository(tmp_path / "repo", scripts={"demo-cli": "demo:main"}, source=source)
    assert run_kernel(repo, "run", "demo-cli", "a b", env=env, check=True).stdout == "demo ['a b']\n"


def test_all_members_of_a_workspace_are_installed(tmp_path: Path, env: dict[str, str]) -> None:
    repo = workspace(
        tmp_path / "repo", dependencies=["beta"], groups={"dev": ["gamma"]}, extras={"x": ["delta"]}
    )
    write_project(repo / "packages/lone", "lone", dependencies=["epsilon"], groups={"test": ["alpha<1.1"]})
    run_kernel(repo, "boot", env=env, check=True)
    projects = dict.fromkeys(("whole", "left", "right", "lone"), "0.1.0")
    wheels = dict.fromkeys(("alpha", "beta", "gamma", "delta", "epsilon"), "1.0")
    assert installed(repo) == projects | wheels
    assert origin(repo, "lone") == repo / "packages/lone/src/lone/__init__.py"


def three_projects(folder: Path, **install: Any) -> Path:
    """A monorepo: `core`; `api`, which needs it and has extras and groups; `tool`, which is not editable."""
    api = {
        "name": "api",
        "dependencies": ["core", "beta"],
        "extras": {"fast": ["gamma"], "slow": ["epsilon"]},
        "groups": {"dev": ["delta"], "docs": ["alpha<1.1"]},
        "install": install,
    }
    tool = {"name": "tool", "dependencies": ["core"], "install": {"editable": False}}
    return monorepo(folder, [{"name": "core"}, api, tool])


def test_separate_projects_share_one_environment(tmp_path: Path, env: dict[str, str]) -> None:
    repo = three_projects(tmp_path / "repo")
    run_kernel(repo, "boot", env=env, check=True)
    everything = dict.fromkeys(("alpha", "beta", "gamma", "delta", "epsilon"), "1.0")
    assert installed(repo) == everything | dict.fromkeys(("core", "api", "tool"), "0.1.0")
    assert origin(repo, "core") == repo / "core/src/core/__init__.py"
    assert (repo / ".venv") in origin(repo, "tool").parents
    assert not re.search(r"^(core|api|tool)\b", (repo / "requirements.lock").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("install", "expected"),
    [
        ({"extras": [], "groups": []}, {"alpha": "1.1", "beta": "1.0"}),
        (
            {"extras": ["fast"], "groups": ["dev"]},
            {"alpha": "1.1", "beta": "1.0", "gamma": "1.0", "delta": "1.0"},
        ),
        ({"extras": [], "groups": ["docs"]}, {"alpha": "1.0", "beta": "1.0"}),
    ],
)
def test_a_list_of_extras_or_groups_means_only_those(
    tmp_path: Path, env: dict[str, str], install: dict[str, list[str]], expected: dict[str, str]
) -> None:
    repo = three_projects(tmp_path / "repo", **install)
    run_kernel(repo, "boot", env=env, check=True)
    assert installed(repo) == expected | dict.fromkeys(("core", "api", "tool"), "0.1.0")


def test_no_index_can_supply_a_sibling(tmp_path: Path, env: dict[str, str]) -> None:
    wheels = tmp_path / "wheels"
    for name, version in (("core", "99.0"), ("api", "99.0"), ("beta", "1.0"), ("gamma", "1.0")):
        build_wheel(wheels, name, version)
    with IndexServer(wheels) as server:
        repo = three_projects(tmp_path / "repo", extras=["fast"], groups=[])
        run_kernel(repo, "boot", env={**env, "UV_DEFAULT_INDEX": server.url}, check=True)
        assert installed(repo)["core"] == "0.1.0"
        assert origin(repo, "core") == repo / "core/src/core/__init__.py"
        assert (server.downloads("core"), server.downloads("api")) == (0, 0)


def test_an_unknown_extra_or_group_is_named(tmp_path: Path, env: dict[str, str]) -> None:
    for install, name in (({"extras": ["fats"]}, "fats"), ({"groups": ["dve"]}, "dve")):
        repo = three_projects(tmp_path / name, **install)
        done = run_kernel(repo, "boot", env=env)
        assert done.returncode in (1, 2)
        assert name in done.stderr


@pytest.fixture
def without_groundup(tmp_path: Path, env: dict[str, str]) -> Path:
    return repository(
        tmp_path / "repo", configuration='commands.hello = ["echo", "hello"]\n', dependencies=["beta"]
    )


def test_a_client_without_groundup_has_all_commands_of_the_kernel(
    without_groundup: Path, env: dict[str, str]
) -> None:
    repo = without_groundup
    for command in (["lock"], ["boot"], ["reboot"], ["check"], ["config"], ["--help"], ["run", "true"]):
        run_kernel(repo, *command, env=env, check=True)
    assert run_kernel(repo, "hello", "you", env=env, check=True).stdout == "hello you\n"
    assert run_kernel(repo, "shell", env={**env, "SHELL": "/bin/sh"}, stdin="exit 3\n").returncode == 3


@pytest.mark.parametrize("command", ["graph", "reach", "quickstart"])
def test_a_neo_command_without_groundup_says_how_to_add_it(
    without_groundup: Path, env: dict[str, str], command: str
) -> None:
    run_kernel(without_groundup, "run", "true", env=env, check=True)
    error, hint = told(run_kernel(without_groundup, command, env=env), 2)
    assert "groundup" in error
    assert "dependencies" in hint


def test_a_target_of_the_neo_runtime_without_groundup_is_an_error(
    tmp_path: Path, env: dict[str, str]
) -> None:
    repo = repository(tmp_path / "repo", configuration='target = "deployed"\n')
    run_kernel(repo, "run", "true", env=env, check=True)
    error, hint = told(run_kernel(repo, "boot", env=env), 2)
    assert "deployed" in error
    assert "groundup" in hint


def test_a_repository_without_projects_has_an_environment_too(tmp_path: Path, env: dict[str, str]) -> None:
    repo = bare_repository(tmp_path / "repo")
    run_kernel(repo, "boot", env=env, check=True)
    assert installed(repo) == {}
    assert ask(repo, "import sys; print(sys.prefix)").stdout == f"{repo / '.venv'}\n"
    assert not [name for name in LOCKS if (repo / name).exists()]


def test_checking_and_explaining_change_nothing(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    before = facts(repo)
    assert run_kernel(repo, "check", env=env).returncode == 1
    run_kernel(repo, "config", "--explain", env=env, check=True)
    assert facts(repo) == before
