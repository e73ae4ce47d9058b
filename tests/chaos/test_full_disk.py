"""The disk under the manager is full: nothing is half written, and all goes on with new space."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.background import until
from tests.support.chaos import (
    SPREAD,
    SPREAD_SUCCESSES,
    ChaosWorker,
    Journal,
    Pace,
    save_flow,
    start_runs,
    wait_for_end,
)
from tests.support.invariants import Kept, repeated, violations
from tests.support.manager import BASE, Api
from tests.support.managers import ManagerProcess
from tests.support.mounts import UNSHARE, can_mount
from tests.support.requirements import require

PACE = Pace(seconds=0.01, workers=4, batch=4, lease=4)
ON_A_SMALL_DISK = 'mount -t tmpfs -o size=16m none "$0" && exec "$@"'
REFUSAL = {"detail": "The database cannot be used now"}


def fill(path: Path) -> None:
    """Write to `path` until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 512):
            with pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(b"\0" * size)


def trigger_until_refused(api: Api) -> int:
    """Start runs until there is no space for one; gives how many there were."""
    for count in range(10_000):
        answer = api("POST", f"{BASE}/graph/g/trigger", {})
        if answer.status != 200:
            assert (answer.status, answer.body) == (503, REFUSAL)
            return count
    raise AssertionError("the disk is not full")


def copied(folder: int, to: Path) -> Path:
    """The database in a folder that is open as `folder`, copied with all that belongs to it."""
    to.mkdir()
    for name in os.listdir(folder):
        with open(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:  # noqa: PTH123
            (to / name).write_bytes(file.read())
    os.close(folder)
    return to / "manager.db"


def test_the_manager_refuses_what_does_not_fit_and_goes_on_with_new_space(tmp_path: Path) -> None:
    require(can_mount(), "the right to mount in a namespace")
    disk, journal = tmp_path / "disk", Journal(tmp_path / "journal")
    disk.mkdir()
    by = [*UNSHARE, "sh", "-c", ON_A_SMALL_DISK, str(disk)]
    with ManagerProcess(disk / "manager.db", by=by) as manager:
        api = manager.api()
        seen = Path(f"/proc/{manager.pid}/root{disk}")  # the disk, as the manager sees it
        save_flow(api, SPREAD)
        start_runs(api, 5)
        with ChaosWorker(manager.uri, journal, PACE) as worker:
            until(lambda: journal.count("end") > 5, "it works")
            fill(seen / "filler")
            runs = 5 + trigger_until_refused(api)
            until(lambda: "answers 503" in worker.stderr, "the worker is refused as well")
            assert api("GET", "/health").status == 200
            assert api("GET", f"{BASE}/runs/1/0").body["total"] == runs  # it can still be read
            (seen / "filler").unlink()
            wait_for_end(api, SUCCESS=runs)
            assert not worker.ended()
        holding = os.open(seen, os.O_RDONLY)
    database = copied(holding, tmp_path / "copy")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept = Kept.read(database)
    assert violations(kept, journal) == []
    assert list(kept.successes().values()) == [SPREAD_SUCCESSES] * runs
    assert repeated(kept, journal) == set()
