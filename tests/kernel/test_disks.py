"""Disks that are full or read-only: one error that names the place, nothing half, and a rerun continues."""

from __future__ import annotations

import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernel.fetching import cached, fresh_user, real_wheels
from tests.support.errors import told
from tests.support.index import IndexServer
from tests.support.mounts import in_namespace, kernel_words, larger_disk, read_only, small_disk
from tests.support.process import clean_env, describe, run_kernel
from tests.support.repositories import bare_repository, repository
from tests.support.trees import facts, wait_until_settled
from tests.support.wheels import build_wheel


def split(done: subprocess.CompletedProcess[str], code: int) -> subprocess.CompletedProcess[str]:
    """Return the first of two runs, whose stderr ends where the script wrote a line of its own."""
    stderr = done.stderr.split("--- second\n")[0]
    return subprocess.CompletedProcess(done.args, code, "", stderr)


def twice(mount: str, grow: str, words: str, between: str = "true") -> str:
    """Return a script: mount, run, look, mend, run again. It exits with 99 when the first run passes."""
    return f"{mount} && {{ {words} && exit 99; {between}; echo '--- second' >&2; {grow} && {words}; }}"


def test_a_full_cache_is_an_error_and_a_rerun_continues(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo")
    (tmp_path / "groundup").mkdir()
    left = tmp_path / "left.txt"
    look = f"find {shlex.quote(str(tmp_path / 'groundup'))} -type f > {shlex.quote(str(left))}"
    with IndexServer(real_wheels()) as server:
        env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)
        disk = tmp_path / "groundup"
        script = twice(small_disk(disk, "20m"), larger_disk(disk, "90m"), kernel_words(repo, "boot"), look)
        done = in_namespace(script, env=env, cwd=repo)
    error, hint = told(split(done, 1), 1)
    assert done.returncode == 0, describe(done)
    assert "No space left" in error and str(disk) in error
    assert "free" in hint
    assert [Path(name).suffix for name in left.read_text().split()] in ([], [".lock"])


def test_a_full_disk_under_the_environment_is_an_error_and_a_rerun_continues(
    tmp_path: Path, fetched: None
) -> None:
    noise = "".join(f"{number:x}" for number in range(1_000_000))
    build_wheel(tmp_path / "wheels", "alpha", modules={"alpha.py": f"DATA = '{noise}'\n"})
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    (repo / "disk").mkdir()
    (repo / "groundup.toml").write_text('venv = "disk/env"\n')
    with IndexServer(tmp_path / "wheels") as server:
        env = clean_env(tmp_path / "home", UV_DEFAULT_INDEX=server.url, UV_LINK_MODE="copy")
        words = kernel_words(repo, "run", "--", "python", "-c", "import alpha")
        script = twice(small_disk(repo / "disk", "2m"), larger_disk(repo / "disk", "90m"), words)
        done = in_namespace(script, env=env, cwd=repo)
    _, hint = told(split(done, 1), 1)
    assert done.returncode == 0, describe(done)
    assert "free" in hint


def test_a_limit_on_the_size_of_files_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo")
    with IndexServer(real_wheels()) as server:
        env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)
        done = subprocess.run(
            [sys.executable, str(repo / "proto_kernel.py"), "boot"],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20)),
        )
    error, _ = told(done, 1)
    assert "too large" in error.lower() and str(tmp_path / "groundup") in error
    assert cached(tmp_path) == []


# ── read-only checkouts ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["boot", "reboot", "lock", "run"])
def test_a_cold_start_in_a_read_only_checkout_is_an_error(
    tmp_path: Path, fetched: None, command: str
) -> None:
    repo = repository(tmp_path / "repo")
    before = facts(repo)
    words = kernel_words(repo, command, *(["true"] if command == "run" else []))
    done = in_namespace(f"{read_only(repo)} && {words}", env=clean_env(tmp_path / "home"), cwd=repo)
    error, hint = told(done, 1)
    assert str(repo) in error and "Read-only" in error
    assert "writable" in hint
    assert facts(repo) == before


def test_looking_works_in_a_read_only_checkout(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    for words in (["config"], ["--help"], ["check"]):
        script = f"{read_only(repo)} && {kernel_words(repo, *words)}"
        done = in_namespace(script, env=clean_env(tmp_path / "home"), cwd=repo)
        assert done.returncode == (1 if words == ["check"] else 0), describe(done)
        assert done.stdout and not done.stderr


@pytest.mark.parametrize("settled", [True, False], ids=["settled", "just built"])
def test_a_ready_environment_is_entered_in_a_read_only_checkout(
    tmp_path: Path, fetched: None, settled: bool
) -> None:
    repo = repository(tmp_path / "repo")
    env = clean_env(tmp_path / "home")
    run_kernel(repo, "boot", env=env, check=True)
    if settled:
        wait_until_settled(repo)
        run_kernel(repo, "boot", env=env, check=True)
    before = facts(repo)
    script = f"{read_only(repo)} && {kernel_words(repo, 'run', 'echo', 'entered')}"
    done = in_namespace(script, env=env, cwd=repo)
    assert (done.returncode, done.stdout) == (0, "entered\n"), describe(done)
    assert facts(repo) == before


def test_an_environment_elsewhere_is_built_from_a_read_only_checkout_when_the_lock_fits(
    tmp_path: Path, fetched: None
) -> None:
    repo = repository(tmp_path / "repo", configuration=f'venv = "{tmp_path / "elsewhere"}"\n')
    env = clean_env(tmp_path / "home")
    run_kernel(repo, "lock", env=env, check=True)
    script = f"{read_only(repo)} && {kernel_words(repo, 'run', 'echo', 'entered')}"
    done = in_namespace(script, env=env, cwd=repo)
    assert (done.returncode, done.stdout) == (0, "entered\n"), describe(done)
