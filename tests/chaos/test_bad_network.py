"""Requests and answers are lost, late, cut or come twice: nothing is lost, and nothing is done twice."""

from __future__ import annotations

from pathlib import Path

from tests.support.bad_network import BadNetwork, Fate
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

RUNS = scaled(20, 100)
PACE = Pace(seconds=0.01, workers=4, batch=4, lease=3)
BAD = dict.fromkeys(Fate, 1.0) | {Fate.PASS: 14.0}  # every third exchange


def test_every_exchange_may_go_wrong(tmp_path: Path) -> None:
    database, journal = tmp_path / "manager.db", Journal(tmp_path / "journal")
    with steady_manager(database) as manager, BadNetwork([manager.uri], BAD) as network:
        save_flow(manager.api, SPREAD)
        start_runs(manager.api, RUNS)
        with ChaosWorker(network.uri, journal, PACE) as worker:
            wait_for_end(manager.api, SUCCESS=RUNS)
            assert not worker.ended()
    kept = Kept.read(database)
    assert violations(kept, journal) == []
    assert list(kept.successes().values()) == [SPREAD_SUCCESSES] * RUNS
    assert repeated(kept, journal) == set()
    assert set(network.fates) == set(Fate)
