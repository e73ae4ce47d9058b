"""A worker is killed: nothing is lost, and only what it had in its hands is executed again."""

from __future__ import annotations

import math
import os
import signal
import time
from collections import Counter
from pathlib import Path

from groundup.nodes.wire import StateStatus
from tests.support.background import until
from tests.support.chaos import (
    ONE,
    SPREAD,
    SPREAD_EXECUTIONS,
    SPREAD_SUCCESSES,
    ChaosWorker,
    Journal,
    Pace,
    moments,
    save_flow,
    scaled,
    start_runs,
    steady_manager,
    wait_for_end,
)
from tests.support.holding import is_held
from tests.support.invariants import Kept, repeated, violations
from tests.support.manager import place

STATES = 60
STEADY = Pace(seconds=0.2, workers=scaled(8, 4), batch=4, lease=scaled(3, 15))
SWEEP = 1.0  # seconds between two looks for leases that ran out
SLACK = 15.0  # seconds; a machine may be busy


def test_what_a_killed_worker_had_is_done_again_within_a_lease(tmp_path: Path) -> None:
    database, journal = tmp_path / "manager.db", Journal(tmp_path / "journal")
    with steady_manager(database) as manager:
        api = manager.api
        save_flow(api, ONE)
        start_runs(api, STATES)
        with ChaosWorker(manager.uri, journal, STEADY) as worker:
            until(lambda: journal.count("end") >= STATES // 3, "a third is done")
            worker.kill()
            worker.wait()
            journal.fault("worker")
        killed = time.time()
        held = Kept.read(database).with_status(StateStatus.QUEUED)
        with ChaosWorker(manager.uri, journal, STEADY):
            wait_for_end(api, SUCCESS=STATES)
            taken = time.time() - killed
    kept = Kept.read(database)
    assert violations(kept, journal) == []
    assert repeated(kept, journal) <= held
    assert kept.with_status(StateStatus.RETRY_CREATED) <= held
    assert 0 < len(held) <= STEADY.workers + 2 * STEADY.batch
    back = max(state.updated_at for state in kept.states if state.status is StateStatus.RETRY_CREATED)
    assert back / 1000 - killed <= STEADY.lease + SWEEP + SLACK
    again = math.ceil(len(held) / STEADY.workers) * STEADY.seconds
    assert taken <= STEADY.lease + SWEEP + again + SLACK


def test_workers_are_killed_again_and_again(tmp_path: Path) -> None:
    database, journal = tmp_path / "manager.db", Journal(tmp_path / "journal")
    runs, kills = scaled((20, 2), (300, 20))
    pace = Pace(lease=3)
    with steady_manager(database) as manager:
        api = manager.api
        save_flow(api, SPREAD)
        start_runs(api, runs)
        for moment in moments(kills, runs * SPREAD_EXECUTIONS):
            with ChaosWorker(manager.uri, journal, pace):
                until(lambda moment=moment: journal.count("end") >= moment, "the moment has come")  # type: ignore[misc]
            journal.fault("worker")
        with ChaosWorker(manager.uri, journal, pace):
            wait_for_end(api, SUCCESS=runs)
    kept = Kept.read(database)
    assert violations(kept, journal) == []
    assert list(kept.successes().values()) == [SPREAD_SUCCESSES] * runs


def test_what_runs_in_a_process_of_its_own_ends_with_its_worker(tmp_path: Path) -> None:
    database, journal = tmp_path / "manager.db", Journal(tmp_path / "journal")
    with steady_manager(database) as manager:
        save_flow(manager.api, [place("apart", node="Apart")])
        start_runs(manager.api, 1)
        with ChaosWorker(manager.uri, journal, Pace(lease=2)) as worker:
            until(lambda: journal.count("begin"), "it runs")
            assert is_held(tmp_path / "journal.lock")
            os.kill(worker.pid, signal.SIGKILL)  # it alone, not the processes that it started
            until(lambda: not is_held(tmp_path / "journal.lock"), "what it started is gone")
            journal.fault("worker")
        with ChaosWorker(manager.uri, journal, Pace()):
            wait_for_end(manager.api, SUCCESS=1)
    assert violations(Kept.read(database), journal) == []


def test_what_kills_its_workers_fails_in_the_end(tmp_path: Path) -> None:
    database, journal = tmp_path / "manager.db", Journal(tmp_path / "journal")
    pace = Pace(lease=0.5)
    with steady_manager(database) as manager:
        api = manager.api
        save_flow(api, [place("poison", "after", node="Poison"), place("after", node="Work")], max_retries=1)
        start_runs(api, 1)
        for attempt in (1, 2):
            with ChaosWorker(manager.uri, journal, pace) as worker:
                until(worker.ended, "the worker dies")
                assert worker.wait() == -9
                assert journal.count("begin") == attempt
                journal.fault("poison")
        with ChaosWorker(manager.uri, journal, Pace()) as worker:
            wait_for_end(api, FAILED=1)
            save_flow(api, ONE)
            start_runs(api, 1)
            wait_for_end(api, FAILED=1, SUCCESS=1)
            assert not worker.ended()
    kept = Kept.read(database)
    assert violations(kept, journal) == []
    assert Counter(state.status for state in kept.states) == {
        StateStatus.RETRY_CREATED: 1,
        StateStatus.ERRORED: 1,
        StateStatus.SUCCESS: 1,
    }
