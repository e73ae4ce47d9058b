"""Killed at any point, interrupted, terminated, orphaned: the next plain run heals it."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kernel.conftest import Ready
from tests.support.background import Background, alive, start_kernel, until
from tests.support.errors import told
from tests.support.process import describe, run, run_kernel
from tests.support.repositories import repository, write, write_project
from tests.support.trees import facts, walk
from tests.support.uv import WatchedUv, watched_uv

POINTS_OF_A_COLD_START = 40
POINTS_OF_A_REBOOT = 20
COMMAND = ["run", "--", "python", "-IB", "-c", "import alpha, beta, gamma, demo; print(demo.VERSION)"]
NEEDS = ["beta", "gamma"]
LOCKS = ("requirements.lock", "uv.lock")


@dataclass(frozen=True)
class Reference:
    """What an undisturbed build of the same repository leaves behind, and how long it takes."""

    locks: dict[str, bytes]
    names: set[str]
    seconds: float


def make(folder: Path, kind: str) -> Path:
    """Make the repository that is killed: `kind` is the name of the lock that it is going to have."""
    tool = {"uv": {"workspace": {"members": ["packages/*"]}}} if kind == "uv.lock" else None
    return repository(folder, dependencies=NEEDS, tool=tool)


def locks(repo: Path) -> dict[str, bytes]:
    """Return the locks that are there, with their content."""
    return {name: (repo / name).read_bytes() for name in LOCKS if (repo / name).exists()}


def names(repo: Path) -> set[str]:
    """Return everything that stands in a checkout, byte code and what installers record apart."""
    found = {path.relative_to(repo).as_posix() for path in walk(repo) if "__pycache__" not in path.parts}
    return {name for name in found if not name.endswith(("/RECORD", "/uv_cache.json", "/groundup-stamp.old"))}


def measure(folder: Path, kind: str, env: dict[str, str], command: list[str]) -> Reference:
    repo = make(folder, kind)
    run_kernel(repo, "lock", env=env, check=True)  # fills the caches
    (repo / kind).unlink()
    if command[0] == "reboot":
        run_kernel(repo, "boot", env=env, check=True)
    began = time.monotonic()
    run_kernel(repo, *command, env=env, check=True)
    seconds = time.monotonic() - began
    assert list(locks(repo)) == [kind]
    return Reference(locks(repo), names(repo), seconds)


def kill_after(seconds: float, repo: Path, env: dict[str, str], *command: str) -> None:
    """Start the kernel and kill its whole process group after `seconds`."""
    kernel = [sys.executable, str(repo / "proto_kernel.py"), *command]
    with Background(kernel, env=env, cwd=repo) as started, contextlib.suppress(subprocess.TimeoutExpired):
        started.process.wait(seconds)


def check_healed(repo: Path, env: dict[str, str], reference: Reference, point: str) -> None:
    """Check the lock as the kill left it, then that one plain run makes everything as if nothing happened."""
    for name, content in locks(repo).items():
        assert content == reference.locks[name], f"{point}: {name} is half-written"
    healed = run_kernel(repo, *COMMAND, env=env)
    assert (healed.returncode, healed.stdout) == (0, "0.1.0\n"), f"{point}: {describe(healed)}"
    assert locks(repo) == reference.locks, point
    assert names(repo) == reference.names, point


def points(count: int, seconds: float) -> list[float]:
    """Return random points in time, one in each `count`-th part of `seconds`; their seed is printed."""
    seed = int(os.environ.get("GROUNDUP_SEED") or random.SystemRandom().randrange(2**32))
    print(f"GROUNDUP_SEED={seed}")
    chance = random.Random(seed)  # noqa: S311
    return [(part + chance.random()) * seconds / count for part in range(count)]


@pytest.mark.parametrize("kind", LOCKS)
def test_a_cold_start_killed_at_any_point_is_healed_by_the_next_run(
    tmp_path: Path, env: dict[str, str], kind: str
) -> None:
    reference = measure(tmp_path / "reference/repo", kind, env, COMMAND)
    repo = tmp_path / "repo"
    for seconds in points(POINTS_OF_A_COLD_START // len(LOCKS), reference.seconds):
        make(repo, kind)
        kill_after(seconds, repo, env, *COMMAND)
        check_healed(repo, env, reference, f"killed after {seconds:.4f} s")
        shutil.rmtree(repo)


@pytest.mark.parametrize("kind", LOCKS)
def test_a_reboot_killed_at_any_point_is_healed_by_the_next_run(
    tmp_path: Path, env: dict[str, str], kind: str
) -> None:
    reference = measure(tmp_path / "reference/repo", kind, env, ["reboot"])
    repo = make(tmp_path / "repo", kind)
    run_kernel(repo, "boot", env=env, check=True)
    for seconds in points(POINTS_OF_A_REBOOT // len(LOCKS), reference.seconds):
        kill_after(seconds, repo, env, "reboot")
        assert list(locks(repo)) == [kind], f"killed after {seconds:.4f} s: the lock is gone"
        check_healed(repo, env, reference, f"killed after {seconds:.4f} s")


@pytest.fixture
def uv(tmp_path: Path, fetched: None) -> WatchedUv:
    return watched_uv(tmp_path / "uv")


@pytest.fixture
def built(tmp_path: Path, env: dict[str, str]) -> Ready:
    """A repository whose environment is built, for one test alone."""
    repo = repository(tmp_path / "repo", dependencies=NEEDS)
    run_kernel(repo, "boot", env=env, check=True)
    return Ready(repo, env)


def packages(repo: Path) -> Path:
    """Return the folder with the installed packages."""
    (folder,) = (repo / ".venv/lib").glob("python*/site-packages")
    return folder


def test_an_install_killed_while_it_removed_files_is_healed_by_the_next_run(
    built: Ready, uv: WatchedUv
) -> None:
    write_project(built.repo, dependencies=["beta"])
    with start_kernel(built.repo, "boot", env=uv.env(built.env, gated="sync")) as boot:
        uv.wait_until_entered()
        (packages(built.repo) / "gamma.py").unlink()
        (packages(built.repo) / "alpha.py").unlink()
        boot.kill()
    write_project(built.repo, dependencies=NEEDS)
    assert run_kernel(built.repo, *COMMAND, env=built.env, check=True).stdout == "0.1.0\n"


def test_the_run_after_a_kill_says_that_it_builds_again(
    tmp_path: Path, env: dict[str, str], uv: WatchedUv
) -> None:
    repo = repository(tmp_path / "repo", dependencies=NEEDS)
    with start_kernel(repo, *COMMAND, env=uv.env(env, gated="sync")) as boot:
        uv.wait_until_entered()
        boot.kill()
    assert (repo / ".venv.lock").read_bytes() != b""
    done = run_kernel(repo, *COMMAND, env=env, check=True)
    assert "did not end" in done.stderr, describe(done)
    assert (repo / ".venv.lock").read_bytes() == b""


def test_check_says_that_a_build_did_not_end(tmp_path: Path, env: dict[str, str], uv: WatchedUv) -> None:
    repo = repository(tmp_path / "repo", dependencies=NEEDS)
    with start_kernel(repo, *COMMAND, env=uv.env(env, gated="sync")) as boot:
        uv.wait_until_entered()
        boot.kill()
    before = facts(repo)
    assert run_kernel(repo, "check", env=env).returncode == 1
    assert facts(repo) == before


@pytest.fixture(scope="module", params=LOCKS)
def steps(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, ready: Ready
) -> list[str]:
    """The kind of a lock, and the commands of uv in a cold start with it."""
    folder = tmp_path_factory.mktemp("steps")
    uv = watched_uv(folder / "uv")
    run_kernel(make(folder / "repo", request.param), *COMMAND, env=uv.env(ready.env), check=True)
    return [request.param, *uv.steps()]


@contextlib.contextmanager
def held_at(step: str, kind: str, folder: Path, env: dict[str, str]) -> Iterator[tuple[Background, int]]:
    """Hold a cold start at a command of uv; give both. What the block does to it, a plain run heals."""
    uv, repo = watched_uv(folder / step), make(folder / f"repo-{step}", kind)
    with start_kernel(repo, *COMMAND, env=uv.env(env, gated=step)) as boot:
        yield boot, uv.wait_until_entered()
    assert run_kernel(repo, *COMMAND, env=env, check=True).stdout == "0.1.0\n"


def test_ctrl_c_exits_130_and_says_that_a_rerun_continues(
    tmp_path: Path, env: dict[str, str], steps: list[str]
) -> None:
    kind, *commands = steps
    for step in commands:
        with held_at(step, kind, tmp_path, env) as (boot, child):
            boot.send_to_group(signal.SIGINT)
            check_stopped(boot, 130, "interrupted")
            assert not alive(child)


def test_a_terminated_kernel_takes_its_uv_along(
    tmp_path: Path, env: dict[str, str], steps: list[str]
) -> None:
    kind, *commands = steps
    for step in commands:
        with held_at(step, kind, tmp_path, env) as (boot, child):
            boot.send(signal.SIGTERM)
            check_stopped(boot, 143, "terminated")
            until(lambda child=child: not alive(child), f"the end of `uv {step}`", 10)  # type: ignore[misc]


def check_stopped(boot: Background, code: int, word: str) -> None:
    """Check the exit code and that what is said names what happened and what a rerun does."""
    assert boot.wait() == code, boot.stderr
    assert boot.stdout == ""
    last = " ".join(boot.stderr.splitlines()[-2:])
    assert word in last, boot.stderr
    assert re.search(r"continue|again", last), boot.stderr
    assert "Traceback" not in boot.stderr


def test_a_run_after_the_kernel_alone_was_killed_waits_for_the_orphaned_uv(
    tmp_path: Path, env: dict[str, str], uv: WatchedUv
) -> None:
    repo = repository(tmp_path / "repo", dependencies=NEEDS)
    with start_kernel(repo, *COMMAND, env=uv.env(env, gated="sync")) as first:
        orphan = uv.wait_until_entered()
        first.send(signal.SIGKILL)
        until(first.ended, "the end of the kernel")
        with start_kernel(repo, *COMMAND, env=uv.env(env)) as second:
            second.wait_for_stderr("waiting for process")
            assert alive(orphan)
            assert len(uv.calls("sync")) == 1
            uv.open_gate()
            assert (second.wait(), second.stdout) == (0, "0.1.0\n"), second.stderr
    assert len(uv.calls("sync")) == 2


def environment(repo: Path) -> dict[str, tuple[int, ...]]:
    """Return what stands in the environment, byte code apart."""
    return {name: fact for name, fact in facts(repo / ".venv").items() if not name.endswith(".pyc")}


def test_a_reboot_that_cannot_resolve_leaves_lock_and_environment_as_they_were(built: Ready) -> None:
    lock, before = locks(built.repo), environment(built.repo)
    write_project(built.repo, dependencies=[*NEEDS, "not-on-this-index"])
    done = run_kernel(built.repo, "reboot", env=built.env)
    assert done.returncode == 1, describe(done)
    assert "not-on-this-index" in done.stderr
    check_nothing_lost(built, lock, before)


def check_nothing_lost(built: Ready, lock: dict[str, bytes], before: dict[str, tuple[int, ...]]) -> None:
    """Check that lock and environment are as before, and that the next run of the old project is warm."""
    assert locks(built.repo) == lock
    assert environment(built.repo).keys() == before.keys()
    assert not (built.repo / ".venv.old").exists()
    write_project(built.repo, dependencies=NEEDS)
    again = run_kernel(built.repo, *COMMAND, env=built.env, check=True)
    assert (again.stdout, again.stderr) == ("0.1.0\n", "")


def test_a_reboot_that_cannot_install_leaves_lock_and_environment_as_they_were(built: Ready) -> None:
    lock, before = locks(built.repo), environment(built.repo)
    project = write_project(built.repo, dependencies=[*NEEDS, "delta"]) / "pyproject.toml"
    project.write_text(project.read_text().replace('build-backend = "uv_build"', 'build-backend = "nowhere"'))
    done = run_kernel(built.repo, "reboot", env=built.env)
    assert done.returncode == 1, describe(done)
    assert "+ delta==1.0" in done.stderr, describe(done)
    check_nothing_lost(built, lock, before)


def test_a_failed_update_leaves_the_environment_usable_again(built: Ready) -> None:
    lock = locks(built.repo)
    write_project(built.repo, dependencies=[*NEEDS, "not-on-this-index"])
    assert run_kernel(built.repo, "boot", env=built.env).returncode == 1
    assert locks(built.repo) == lock
    write_project(built.repo, dependencies=NEEDS)
    assert run_kernel(built.repo, *COMMAND, env=built.env, check=True).stdout == "0.1.0\n"


@pytest.mark.parametrize("kind", ["requirements.lock", "uv.lock"])
@pytest.mark.parametrize("is_locked", [True, False], ids=["with a lock", "without"])
def test_a_lock_that_cannot_be_made_leaves_no_file_behind(
    tmp_path: Path, env: dict[str, str], kind: str, is_locked: bool
) -> None:
    tool = {"uv": {"workspace": {"members": ["packages/*"]}}} if kind == "uv.lock" else None
    repo = repository(tmp_path / "repo", dependencies=NEEDS, tool=tool)
    if is_locked:
        run_kernel(repo, "lock", env=env, check=True)
    before = {path.name for path in repo.iterdir()} | {".venv.lock"}
    content = (repo / kind).read_bytes() if is_locked else b""
    write_project(repo, dependencies=[*NEEDS, "not-on-this-index"], tool=tool)
    for command in ("boot", "lock", "reboot"):
        assert run_kernel(repo, command, env=env).returncode == 1
        assert {path.name for path in repo.iterdir()} == before
        assert not is_locked or (repo / kind).read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"99999999", b"\x00\xff garbage\n" * 40])
def test_a_lock_file_with_any_content_stops_nobody(built: Ready, content: bytes) -> None:
    (built.repo / ".venv.lock").write_bytes(content)
    shutil.rmtree(built.repo / ".venv")
    assert run_kernel(built.repo, *COMMAND, env=built.env, check=True).stdout == "0.1.0\n"


@pytest.mark.parametrize("damage", ["", "groundup-stamp 1\n", "garbage", "groundup-stamp 1\nstat\n\t\t\n"])
def test_a_damaged_stamp_is_a_reason_to_build(built: Ready, damage: str) -> None:
    write(built.repo, ".venv/groundup-stamp", damage)
    assert run_kernel(built.repo, *COMMAND, env=built.env, check=True).stdout == "0.1.0\n"


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda whole: whole[: len(whole) // 2], lambda _: b"i\x07\0\0\0"]
)
def test_damaged_byte_code_in_the_cache_stops_nobody(
    tmp_path: Path, env: dict[str, str], damage: Callable[[bytes], bytes]
) -> None:
    repo = repository(tmp_path / "repo", dependencies=NEEDS)
    given = {**env, "GROUNDUP_HOME": str(tmp_path / "groundup")}
    shutil.copytree(env["GROUNDUP_HOME"], given["GROUNDUP_HOME"])
    for file in (tmp_path / "groundup/cache/code").iterdir():
        file.write_bytes(damage(file.read_bytes()))
    assert run_kernel(repo, *COMMAND, env=given, check=True).stdout == "0.1.0\n"


def test_a_damaged_cache_is_told_apart_from_a_good_one(tmp_path: Path, env: dict[str, str]) -> None:
    """A fetched file is renamed into the cache: what a kill leaves beside it is never taken for it."""
    home = tmp_path / "groundup"
    shutil.copytree(env["GROUNDUP_HOME"], home)
    (uv,) = (path for path in (home / "cache/uv").iterdir() if path.is_dir())
    uv.rename(uv.with_name(".unpack-left-behind"))
    (uv.with_name(".unpack-left-behind") / "uv").write_bytes(b"half")
    repo = repository(tmp_path / "repo", dependencies=NEEDS)
    offline = {**env, "GROUNDUP_HOME": str(home), "PATH": "/usr/bin:/bin"}
    assert "uv" in told(run_kernel(repo, "--offline", *COMMAND, env=offline), 1).error
    assert run(["ls", str(uv)], env=env, cwd=tmp_path).returncode != 0
