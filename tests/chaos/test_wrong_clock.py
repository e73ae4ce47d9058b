"""The clock of a worker is wrong and jumps: time is the manager's."""

from __future__ import annotations

import time
from pathlib import Path

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
from tests.support.clocks import WrongClock
from tests.support.invariants import Kept, repeated, violations

RUNS = scaled(12, 200)
PACE = Pace(seconds=0.05, workers=4, batch=4, lease=3)
YEAR = 365 * 86_400


def test_a_worker_whose_clock_is_wrong_works_as_any_other(tmp_path: Path) -> None:
    database, journal = tmp_path / "manager.db", Journal(tmp_path / "journal")
    clock = WrongClock(tmp_path, -YEAR)
    began = time.time()
    with steady_manager(database) as manager:
        save_flow(manager.api, SPREAD)
        start_runs(manager.api, RUNS)
        with (
            ChaosWorker(manager.uri, journal, PACE) as right,
            ChaosWorker(manager.uri, journal, PACE, variables=clock.variables) as wrong,
        ):
            for jump in (10 * YEAR, -YEAR):
                done = sum(line.pid == wrong.pid for line in journal.lines())
                until(
                    lambda done=done: sum(line.pid == wrong.pid for line in journal.lines()) > done + 8,  # type: ignore[misc]
                    "it works",
                )
                clock.jump(jump)
            wait_for_end(manager.api, SUCCESS=RUNS)
            assert not right.ended()
            assert not wrong.ended()
    ended = time.time()
    kept = Kept.read(database)
    assert violations(kept, journal) == []
    assert list(kept.successes().values()) == [SPREAD_SUCCESSES] * RUNS
    assert repeated(kept, journal) == set()
    theirs = [line.time for line in journal.lines() if line.pid == wrong.pid]
    assert min(theirs) < began - YEAR / 2
    assert max(theirs) > ended + YEAR
    times = [moment for state in kept.states for moment in (state.created_at, state.updated_at)]
    assert began * 1000 - 1 <= min(times) <= max(times) <= ended * 1000 + 1
