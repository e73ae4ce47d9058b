"""Locks: one holder at a time, in whatever thread or process, and none once that is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from groundup.dag.uptodate.locks import HAS_RANGES, FileLock, RangeLock
from tests.support.background import Background, until

KINDS: list[type[RangeLock] | type[FileLock]] = [*([RangeLock] if HAS_RANGES else []), FileLock]
Make = Callable[..., "RangeLock | FileLock"]

HOLDER = """
import sys, time
from pathlib import Path
from groundup.dag.uptodate import locks
lock = getattr(locks, sys.argv[1])(Path(sys.argv[2]), sys.argv[3])
print(lock.acquire(), flush=True)
time.sleep(100)
"""
COUNTER = """
import sys, time
from pathlib import Path
from groundup.dag.uptodate import locks
folder = Path(sys.argv[2])
for _ in range(30):
    lock = getattr(locks, sys.argv[1])(folder, "it")
    while not lock.acquire():
        time.sleep(0.001)
    number = int((folder / "number").read_text())
    time.sleep(0.001)
    (folder / "number").write_text(str(number + 1))
    lock.release()
"""


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    kind: type[RangeLock] | type[FileLock] = request.param
    return lambda name: kind(tmp_path, name)


def holding(make: Make, folder: Path, name: str) -> Background:
    kind = type(make("probe")).__name__
    return Background(
        [sys.executable, "-c", HOLDER, kind, str(folder), name], env=dict(os.environ), cwd=folder
    )


def test_one_of_two_has_it(make: Make) -> None:
    one, other = make("a"), make("a")
    assert one.acquire()
    assert not other.acquire()
    one.release()
    assert other.acquire()
    other.release()


def test_names_have_locks_of_their_own(make: Make) -> None:
    locks = [make(name) for name in ("a", "A", "b", "a.replaced", "ü", "a/b", "..")]
    assert all(lock.acquire() for lock in locks)
    for lock in locks:
        lock.release()


def test_what_was_not_held_is_released_without_harm(make: Make) -> None:
    one, other = make("a"), make("a")
    assert one.acquire()
    assert not other.acquire()
    other.release()
    third = make("a")
    assert not third.acquire()
    third.release()
    one.release()


def test_another_process_holds_it_and_is_named(make: Make, tmp_path: Path) -> None:
    lock = make("a")
    with holding(make, tmp_path, "a") as process:
        until(lambda: "True" in process.stdout, "the lock")
        assert not lock.acquire()
        assert lock.holder() == f"process {process.pid}"
        process.send(signal.SIGKILL)
        process.wait()
        assert lock.acquire()
    lock.release()


def test_a_holder_that_left_no_name(make: Make, tmp_path: Path) -> None:
    lock = make("a")
    assert lock.acquire()
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    assert lock.holder() == "another process"
    lock.release()


def test_processes_that_count_together_miss_no_number(make: Make, tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    kind = type(make("probe")).__name__
    processes = [subprocess.Popen([sys.executable, "-c", COUNTER, kind, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "number").read_text() == "90"
