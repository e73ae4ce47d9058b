"""The manager is killed while a worker works: nothing is lost, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

from groundup.nodes.wire import StateStatus
from tests.support.background import until
from tests.support.chaos import (
    SPREAD,
    SPREAD_EXECUTIONS,
    SPREAD_SUCCESSES,
    ChaosWorker,
    Journal,
    LastingManager,
    Pace,
    moments,
    save_flow,
    scaled,
    start_runs,
    wait_for_end,
)
from tests.support.invariants import Kept, repeated, violations

RUNS, KILLS = scaled((40, 3), (500, 10))
PACE = Pace(lease=4)


def test_nothing_is_lost_and_nothing_is_done_twice(tmp_path: Path) -> None:
    database, journal = tmp_path / "manager.db", Journal(tmp_path / "journal")
    held: set[str] = set()
    with LastingManager(database, grace=PACE.lease) as manager:
        save_flow(manager.api, SPREAD)
        start_runs(manager.api, RUNS)
        with ChaosWorker(manager.uri, journal, PACE) as worker:
            for moment in moments(KILLS, RUNS * SPREAD_EXECUTIONS):
                until(lambda moment=moment: journal.count("end") >= moment, "the moment has come")  # type: ignore[misc]
                journal.fault("manager")
                manager.kill()
                held |= Kept.read(database).with_status(StateStatus.QUEUED)
                manager.start()
                journal.fault("manager")
            wait_for_end(manager.api, SUCCESS=RUNS)
            assert not worker.ended()
    kept = Kept.read(database)
    assert violations(kept, journal) == []
    assert list(kept.successes().values()) == [SPREAD_SUCCESSES] * RUNS
    assert repeated(kept, journal) <= held
