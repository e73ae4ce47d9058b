"""Environments: how one is chosen, remembered and switched, and what its own configuration changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernel.configuring import effective, origins
from tests.support.errors import told
from tests.support.process import clean_env, describe, run_kernel
from tests.support.repositories import bare_repository, write
from tests.support.trees import facts

WHERE = ("run", "--", "python", "-c", "import sys; print(sys.prefix)")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with the environments `dev`, `prod` (with a configuration) and `test`."""
    repo = bare_repository(tmp_path / "repo", 'projects = []\ndefault_env = "dev"\n')
    for name in ("dev", "test"):
        (repo / "envs" / name).mkdir(parents=True)
    write(repo, "envs/prod/groundup.toml", 'commands.name = ["echo", "prod"]\n')
    return repo


def remembered(repo: Path) -> str | None:
    file = repo / ".groundup/env"
    return file.read_text() if file.exists() else None


def remember(repo: Path, name: str) -> None:
    write(repo, ".groundup/env", f"{name}\n")


def test_the_option_comes_first(tmp_path: Path, repo: Path) -> None:
    remember(repo, "test")
    env = clean_env(tmp_path / "home", GROUNDUP_ENV="dev")
    assert origins(repo, "--env", "prod", env=env)["env"] == ("prod", "input", "--env")
    assert origins(repo, "--env=prod", env=env)["env"] == ("prod", "input", "--env")


def test_then_the_variable(tmp_path: Path, repo: Path) -> None:
    remember(repo, "test")
    env = clean_env(tmp_path / "home", GROUNDUP_ENV="prod")
    assert origins(repo, env=env)["env"] == ("prod", "input", "GROUNDUP_ENV")


def test_then_what_is_remembered(repo: Path) -> None:
    remember(repo, "test")
    value, _, place = origins(repo)["env"]
    assert value == "test"
    assert place.startswith(str(repo / ".groundup/env"))


def test_then_the_default(repo: Path) -> None:
    value, _, place = origins(repo)["env"]
    assert (value, place) == ("dev", f"{repo / 'groundup.toml'}:2")


def test_else_there_is_none(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo")
    values = effective(repo)
    assert (values["env"], values["venv"]) == (None, str(repo / ".venv"))


def test_an_empty_variable_counts_as_not_set(tmp_path: Path, repo: Path) -> None:
    assert effective(repo, env=clean_env(tmp_path / "home", GROUNDUP_ENV=""))["env"] == "dev"


@pytest.mark.parametrize("command", ["boot", "reboot"])
def test_boot_and_reboot_remember_the_option(repo: Path, command: str) -> None:
    run_kernel(repo, "--env", "prod", command, check=True)
    assert remembered(repo) == "prod\n"
    assert run_kernel(repo, *WHERE, check=True).stdout == f"{repo}/envs/prod/.venv\n"


def test_a_boot_that_is_warm_remembers_too(repo: Path) -> None:
    for name in ("prod", "dev", "prod"):
        run_kernel(repo, "--env", name, "boot", check=True)
        assert remembered(repo) == f"{name}\n"


def test_nothing_else_remembers(tmp_path: Path, repo: Path) -> None:
    for command in (("run", "true"), ("lock",), ("config",), ("check",), ("name",)):
        run_kernel(repo, "--env", "prod", *command)
        assert remembered(repo) is None, command
    run_kernel(repo, "boot", env=clean_env(tmp_path / "home", GROUNDUP_ENV="prod"), check=True)
    assert remembered(repo) is None


def test_a_boot_that_fails_remembers_nothing(repo: Path) -> None:
    write(repo, "envs/prod/groundup.toml", 'python = "3.99"\n')
    assert run_kernel(repo, "--env", "prod", "boot").returncode != 0
    assert remembered(repo) is None


def test_each_environment_has_its_own_venv_and_switching_takes_effect(tmp_path: Path, repo: Path) -> None:
    for name in ("prod", "test", "prod"):
        done = run_kernel(repo, "--env", name, *WHERE, check=True)
        assert done.stdout == f"{repo}/envs/{name}/.venv\n"
    before = facts(repo / "envs/prod/.venv/bin")
    run_kernel(repo, "--env", "test", "boot", check=True)
    assert facts(repo / "envs/prod/.venv/bin") == before


def test_a_switch_is_seen_by_the_next_plain_run(repo: Path) -> None:
    for name in ("prod", "test", "prod", "test"):
        remember(repo, name)
        assert run_kernel(repo, *WHERE, check=True).stdout == f"{repo}/envs/{name}/.venv\n"


def test_a_configuration_that_appears_later_is_seen(repo: Path) -> None:
    run_kernel(repo, "--env", "test", "run", "true", check=True)
    write(repo, "envs/test/groundup.toml", 'commands.hello = ["echo", "there"]\n')
    assert run_kernel(repo, "--env", "test", "hello", check=True).stdout == "there\n"


def test_commands_of_an_environment_belong_to_it_alone(repo: Path) -> None:
    assert run_kernel(repo, "--env", "prod", "name", check=True).stdout == "prod\n"
    error, _ = told(run_kernel(repo, "--env", "test", "name"), 2)
    assert "name" in error


def test_the_folder_of_environments_is_configurable(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo", 'projects = []\nenvs_dir = "deploy/stages"\n')
    write(repo, "deploy/stages/prod/groundup.toml", 'target = "served"\n')
    values = effective(repo, "--env", "prod")
    assert (values["target"], values["venv"]) == ("served", str(repo / "deploy/stages/prod/.venv"))


def test_tables_merge_and_lists_replace(tmp_path: Path) -> None:
    repo = bare_repository(
        tmp_path / "repo",
        'projects = []\nauth = ["a"]\n[commands]\nx = ["client"]\ny = ["client"]\n[neo.params]\nsize = 1\n',
    )
    write(repo, "envs/prod/groundup.toml", 'auth = ["b"]\n[commands]\ny = ["env"]\n[neo.params]\nspeed = 2\n')
    values = effective(repo, "--env", "prod")
    assert values["auth"] == ["b"]
    assert values["commands"] == {"x": ["client"], "y": ["env"]}
    assert values["neo"] == {"params": {"size": 1, "speed": 2}}


# ── what cannot be ───────────────────────────────────────────────────────────────────────────────────


def test_an_environment_that_is_missing_is_named_with_those_that_are_there(repo: Path) -> None:
    before = facts(repo)
    error, hint = told(run_kernel(repo, "--env", "production", "boot"), 2)
    assert "--env" in error and "production" in error
    assert all(name in hint for name in ("dev", "prod", "test"))
    assert facts(repo) == before


def test_the_place_that_chose_a_missing_environment_is_named(tmp_path: Path, repo: Path) -> None:
    env = clean_env(tmp_path / "home", GROUNDUP_ENV="gone")
    assert "GROUNDUP_ENV" in told(run_kernel(repo, "boot", env=env), 2).error
    write(repo, "groundup.toml", 'projects = []\n\ndefault_env = "gone"\n')
    assert f"{repo / 'groundup.toml'}:3" in told(run_kernel(repo, "boot"), 2).error
    remember(repo, "gone")
    assert str(repo / ".groundup/env") in told(run_kernel(repo, "boot"), 2).error


@pytest.mark.parametrize("name", ["../prod", "/etc", "a/b", "..", ".", ".hidden", "a b", "", "-"])
def test_a_name_must_be_a_name(repo: Path, name: str) -> None:
    done = run_kernel(repo, f"--env={name}", "boot")
    error, _ = told(done, 2)
    assert "--env" in error, describe(done)


@pytest.mark.parametrize("text", ["../../elsewhere\n", "", "\n", "a\nb\n", "\x00", "prod\\n"])
def test_what_is_remembered_must_be_a_name_too(tmp_path: Path, repo: Path, text: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (repo / ".groundup").mkdir()
    (repo / ".groundup/env").write_text(text)
    done = run_kernel(repo, "config", "--json")
    if text.strip():
        assert str(repo / ".groundup/env") in told(done, 2).error
    else:
        assert '"env": "dev"' in done.stdout, describe(done)


def test_the_default_must_be_a_name_too(tmp_path: Path, repo: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    write(repo, "groundup.toml", 'projects = []\ndefault_env = "../../elsewhere"\n')
    assert f"{repo / 'groundup.toml'}:2" in told(run_kernel(repo, "config"), 2).error


@pytest.mark.parametrize("key", ["envs_dir", "default_env", "root"])
def test_an_environment_cannot_say_where_environments_are(repo: Path, key: str) -> None:
    file = write(repo, "envs/prod/groundup.toml", f'# first\n{key} = "."\n')
    error, _ = told(run_kernel(repo, "--env", "prod", "config"), 2)
    assert f"{file}:2" in error and key in error
