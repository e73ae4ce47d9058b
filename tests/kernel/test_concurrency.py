"""Many at once: one builds or fetches, the others wait, say so, and find the work done."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.fetching import fresh_user, real_wheels
from tests.support.background import Background, start_kernel
from tests.support.index import IndexServer
from tests.support.process import interpreters, run_kernel
from tests.support.repositories import bare_repository, repository
from tests.support.uv import WatchedUv, watched_uv

AT_ONCE = 8
ROUNDS = 20
COMMAND = ["run", "--", "python", "-I", "-c", "import alpha, beta, demo; print(demo.VERSION)"]
WAITING = re.compile(r"waiting for process (\d+)")


@pytest.fixture
def uv(tmp_path: Path, fetched: None) -> WatchedUv:
    return watched_uv(tmp_path / "uv")


def finish(runs: list[Background]) -> None:
    """Wait for all; each must have succeeded and printed what the command prints, and nothing more."""
    for started in runs:
        code = started.wait()
        assert (code, started.stdout) == (0, "0.1.0\n"), started.stderr


@pytest.mark.parametrize("number", range(ROUNDS))
def test_eight_cold_starts_build_once(
    tmp_path: Path, env: dict[str, str], uv: WatchedUv, number: int
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    pythons = list(interpreters().values())[-3:]
    runs = [
        start_kernel(repo, *COMMAND, env=uv.env(env), python=pythons[number % len(pythons)])
        for number in range(AT_ONCE)
    ]
    finish(runs)
    assert (len(uv.calls("venv")), len(uv.calls("sync"))) == (1, 1)
    waited_for = {pid for started in runs for pid in WAITING.findall(started.stderr)}
    assert waited_for <= {str(started.pid) for started in runs}
    assert (repo / ".venv.lock").read_bytes() == b""


@pytest.fixture
def two(tmp_path: Path, env: dict[str, str], uv: WatchedUv) -> Iterator[tuple[Background, Background]]:
    """Two runs in one repository: the first is held in its build, the second waits for it."""
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    with start_kernel(repo, *COMMAND, env=uv.env(env, gated="sync")) as first:
        uv.wait_until_entered()
        with start_kernel(repo, *COMMAND, env=uv.env(env)) as second:
            second.wait_for_stderr("waiting for process")
            yield first, second


def test_a_waiter_says_whom_it_waits_for_and_for_how_long(
    tmp_path: Path, uv: WatchedUv, two: tuple[Background, Background]
) -> None:
    first, second = two
    line = next(line for line in second.stderr.splitlines() if "waiting" in line)
    assert re.search(rf"waiting for process {first.pid}\b.*\b\d+ s\b", line), line
    assert str(tmp_path / "repo/.venv") in line
    assert not second.ended()
    uv.open_gate()
    finish([first, second])
    assert len(uv.calls("sync")) == 1


def test_a_waiter_that_is_interrupted_ends_at_once_and_the_builder_goes_on(
    uv: WatchedUv, two: tuple[Background, Background]
) -> None:
    first, second = two
    second.send(signal.SIGINT)
    assert second.wait() == 130
    uv.open_gate()
    finish([first])


def test_a_waiter_builds_when_the_one_before_it_fails(two: tuple[Background, Background]) -> None:
    first, second = two
    first.send_to_group(signal.SIGTERM)
    assert first.wait() == 143
    finish([second])


def test_a_warm_run_does_not_wait_for_the_build_of_another_environment(
    tmp_path: Path, env: dict[str, str], uv: WatchedUv
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["beta"])
    (repo / "envs/dev").mkdir(parents=True)
    run_kernel(repo, "boot", env=env, check=True)
    with start_kernel(repo, "--env", "dev", *COMMAND, env=uv.env(env, gated="sync")) as builder:
        uv.wait_until_entered()
        assert run_kernel(repo, *COMMAND, env=env, check=True).stdout == "0.1.0\n"
        uv.open_gate()
        finish([builder])


def test_eight_clones_with_an_empty_cache_download_once(tmp_path: Path) -> None:
    with IndexServer(real_wheels()) as server:
        env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)
        oldest = next(iter(interpreters().values()))
        clones = [bare_repository(tmp_path / f"clone-{number}") for number in range(AT_ONCE)]
        runs = [start_kernel(clone, "run", "true", env=env, python=oldest) for clone in clones]
        codes = [started.wait(120) for started in runs]
        assert codes == [0] * AT_ONCE, [started.stderr for started in runs]
        assert (server.downloads("uv"), server.downloads("tomli")) == (1, 1)
    pids = {str(started.pid) for started in runs}
    assert {pid for started in runs for pid in WAITING.findall(started.stderr)} <= pids
