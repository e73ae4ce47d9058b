"""Without a network, and in a checkout that cannot be written to."""

from __future__ import annotations

import functools
import os
import shlex
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from groundup import proto_kernel
from tests.kernel.conftest import Ready
from tests.kernel.fetching import fresh_user
from tests.support.errors import told
from tests.support.process import describe, interpreters, run, run_kernel
from tests.support.repositories import repository, write
from tests.support.requirements import require
from tests.support.trees import facts

COMMAND = ["run", "--", "python", "-I", "-c", "import alpha, beta, demo; print(demo.VERSION)"]
OLDEST = next(iter(interpreters()))


@functools.cache
def unshare(kind: str) -> list[str]:
    """Return the command that puts another into a namespace of its own: `--net` or `--mount`."""
    for command in (["unshare", kind], ["unshare", "--map-root-user", kind]):
        try:
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
        except FileNotFoundError:
            break
    require(False, f"a way to use `unshare {kind}`")
    return []


def without_network(
    repo: Path, *args: str, env: dict[str, str], python: str = sys.executable
) -> CompletedProcess[str]:
    """Run the kernel where there is no interface at all, loopback included."""
    kernel = [python, str(repo / "proto_kernel.py"), *args]
    return run([*unshare("--net"), *kernel], env=env, cwd=repo)


def read_only(repo: Path, *args: str, env: dict[str, str]) -> CompletedProcess[str]:
    """Run the kernel where `repo` is mounted read-only; checks that it is."""
    folder = shlex.quote(str(repo))
    mount = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && cd {folder}"
    check = "if touch .written 2>/dev/null; then exit 99; fi"
    kernel = [sys.executable, str(repo / "proto_kernel.py"), *args]
    shell = ["sh", "-c", f'{mount} && {check} && exec "$@"', "sh"]
    return run([*unshare("--mount"), *shell, *kernel], env=env, cwd=repo)


@pytest.mark.parametrize("options", [[], ["--offline"]], ids=["plain", "offline"])
def test_a_warm_run_needs_no_network(ready: Ready, options: list[str]) -> None:
    done = without_network(ready.repo, *options, *COMMAND, env=ready.env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0.1.0\n", ""), describe(done)


def test_a_plain_boot_of_a_ready_environment_needs_no_network(ready: Ready) -> None:
    assert without_network(ready.repo, "boot", env=ready.env).returncode == 0


@pytest.mark.parametrize("version", [OLDEST, "3.11"])
@pytest.mark.parametrize("locked", [True, False], ids=["lock", "no-lock"])
def test_a_cold_start_works_from_the_caches(ready: Ready, tmp_path: Path, version: str, locked: bool) -> None:
    require(version in interpreters(), f"Python {version}")
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    run_kernel(ready.repo, "config", env=ready.env, python=interpreters()[version], check=True)
    if locked:
        write(repo, "requirements.lock", (ready.repo / "requirements.lock").read_text())
    done = without_network(repo, "--offline", *COMMAND, env=ready.env, python=str(interpreters()[version]))
    assert (done.returncode, done.stdout) == (0, "0.1.0\n"), describe(done)


def test_the_variable_is_as_good_as_the_option(ready: Ready, tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    done = without_network(repo, *COMMAND, env={**ready.env, "GROUNDUP_OFFLINE": "1"})
    assert (done.returncode, done.stdout) == (0, "0.1.0\n"), describe(done)


def test_offline_a_missing_uv_is_named(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    before = facts(repo)
    done = run_kernel(
        repo, "--offline", *COMMAND, env=fresh_user(tmp_path, UV_DEFAULT_INDEX="http://127.0.0.1:9/")
    )
    error, hint = told(done, 1)
    assert f"uv {proto_kernel.UV_VERSION}" in error
    assert "--offline" in hint
    assert facts(repo).keys() - {str(repo / ".venv.lock")} == before.keys()


def test_offline_a_missing_tomli_is_named(tmp_path: Path) -> None:
    require("3.6" in interpreters(), "Python 3.6")
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    done = run_kernel(repo, "--offline", *COMMAND, env=fresh_user(tmp_path), python=interpreters()["3.6"])
    error, hint = told(done, 1)
    assert f"tomli {proto_kernel.TOMLI_VERSION}" in error
    assert "--offline" in hint


@pytest.mark.parametrize("locked", [True, False], ids=["lock", "no-lock"])
def test_offline_a_missing_package_is_named(ready: Ready, tmp_path: Path, locked: bool) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    if locked:
        write(repo, "requirements.lock", (ready.repo / "requirements.lock").read_text())
    env = {**ready.env, "UV_CACHE_DIR": str(tmp_path / "empty")}
    done = without_network(repo, "--offline", *COMMAND, env=env)
    assert done.returncode == 1, describe(done)
    assert "alpha" in done.stderr or "beta" in done.stderr, describe(done)
    assert "hint: " in done.stderr.splitlines()[-1]
    assert "--offline" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert (repo / "requirements.lock").exists() == locked


def test_what_offline_could_not_do_is_done_online(ready: Ready, tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    env = {**ready.env, "UV_CACHE_DIR": str(tmp_path / "empty")}
    assert without_network(repo, "--offline", *COMMAND, env=env).returncode == 1
    assert run_kernel(repo, *COMMAND, env=env, check=True).stdout == "0.1.0\n"


def test_a_warm_run_works_in_a_read_only_checkout(ready: Ready) -> None:
    done = read_only(ready.repo, *COMMAND, env=ready.env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0.1.0\n", ""), describe(done)


def test_touched_but_equal_files_do_not_stop_a_read_only_checkout(
    tmp_path: Path, env: dict[str, str]
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    run_kernel(repo, "boot", env=env, check=True)
    os.utime(repo / "pyproject.toml")
    done = read_only(repo, *COMMAND, env=env)
    assert (done.returncode, done.stdout) == (0, "0.1.0\n"), describe(done)


@pytest.mark.parametrize("command", [["config", "--json"], ["check"], ["--help"], ["--version"]], ids=str)
def test_commands_that_change_nothing_work_in_a_read_only_checkout(ready: Ready, command: list[str]) -> None:
    done = read_only(ready.repo, *command, env=ready.env)
    assert (done.returncode, done.stderr) == (0, ""), describe(done)


def test_a_cold_start_in_a_read_only_checkout_is_one_clear_error(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    error, hint = told(read_only(repo, *COMMAND, env=env), 1)
    assert str(repo) in error
    assert "read-only" in (error + hint).lower()
