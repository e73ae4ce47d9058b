"""A worker is stopped for longer than a lease and goes on: what others did is not done again."""

from __future__ import annotations

import signal
from pathlib import Path

from groundup.nodes.wire import StateStatus
from tests.support.background import until
from tests.support.chaos import (
    SPREAD,
    SPREAD_SUCCESSES,
    ChaosWorker,
    Journal,
    Pace,
    save_flow,
    scaled,
    start_runs,
    steady_manager,
    wait_for_end,
)
from tests.support.invariants import Kept, repeated, violations

RUNS, TIMES = scaled((6, 1), (20, 10))
PACE = Pace(seconds=0.1, workers=4, batch=8, lease=scaled(2, 5))


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_stopped_worker_that_goes_on_is_not_heard(tmp_path: Path) -> None:
    database, journal = tmp_path / "manager.db", Journal(tmp_path / "journal")
    held: set[str] = set()

    with steady_manager(database) as manager, ChaosWorker(manager.uri, journal, PACE) as stopped:
        save_flow(manager.api, SPREAD)
        for time in range(1, TIMES + 1):
            begun = journal.count("begin")
            start_runs(manager.api, RUNS)
            until(lambda begun=begun: journal.count("begin") > begun + 4, "it works")  # type: ignore[misc]
            stopped.send(signal.SIGSTOP)
            until(lambda: is_stopped(stopped.pid), "it is stopped")
            journal.fault("stop")
            held |= Kept.read(database).with_status(StateStatus.QUEUED)
            with ChaosWorker(manager.uri, journal, PACE):
                wait_for_end(manager.api, SUCCESS=RUNS * time)
            stopped.send(signal.SIGCONT)
        until(lambda: "is lost" in stopped.stderr or "refused" in stopped.stderr, "it learns what it lost")
        start_runs(manager.api, 1)
        wait_for_end(manager.api, SUCCESS=RUNS * TIMES + 1)
        assert not stopped.ended()
    kept = Kept.read(database)
    assert violations(kept, journal) == []
    assert list(kept.successes().values()) == [SPREAD_SUCCESSES] * (RUNS * TIMES + 1)
    assert repeated(kept, journal) <= held
