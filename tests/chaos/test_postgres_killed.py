"""PostgreSQL and managers that share it are killed while workers work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.background import until
from tests.support.bad_network import BadNetwork
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
from tests.support.invariants import Kept, violations
from tests.support.postgres import PostgresServer

RUNS, TIMES = scaled((40, 1), (500, 5))
PACE = Pace(seconds=0.01, workers=8, batch=8, lease=4)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as made:
        yield made


def test_nothing_is_lost_and_nothing_is_done_twice(server: PostgresServer, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")

    def restart_server() -> None:
        server.kill()
        server.start()

    def restart(manager: LastingManager) -> None:
        manager.kill()
        manager.start()

    grace = PACE.lease
    with LastingManager(server.url(), grace=grace) as one, LastingManager(server.url(), grace=grace) as other:
        managers = [one.uri, other.uri]
        save_flow(one.api, SPREAD)
        start_runs(one.api, RUNS)
        faults: list[Callable[[], None]] = [restart_server, partial(restart, one)] * TIMES
        faults += [partial(restart, other), restart_server] * TIMES
        faults.append(one.kill)  # for good
        with (
            BadNetwork(managers) as balanced,
            BadNetwork(managers[::-1]) as balanced_otherwise,
            ChaosWorker(balanced.uri, journal, PACE) as worker,
            ChaosWorker(balanced_otherwise.uri, journal, PACE) as another,
        ):
            for moment, fault in zip(moments(len(faults), RUNS * SPREAD_EXECUTIONS), faults, strict=True):
                until(lambda moment=moment: journal.count("end") >= moment, "the moment has come")  # type: ignore[misc]
                journal.fault("database-or-manager")
                fault()
                journal.fault("database-or-manager")
            wait_for_end(other.api, SUCCESS=RUNS)
            assert not worker.ended()
            assert not another.ended()
    kept = Kept.read(server.url())
    assert violations(kept, journal) == []
    assert list(kept.successes().values()) == [SPREAD_SUCCESSES] * RUNS
