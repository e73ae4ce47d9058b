"""Cron triggers: each time starts one run, by however many managers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from groundup.manager.operations import flows, reports, retention, triggers
from groundup.manager.store import triggers as store
from groundup.nodes.wire import UpsertGraphRequest
from tests.support.manager import FLOW, NAMESPACE, Bench, place
from tests.support.postgres import PostgresServer

NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000


@pytest.fixture
def cron(bench: Bench) -> Callable[..., Bench]:
    """Save a flow of one node with a trigger for every minute, a moment before noon."""
    bench.register()
    bench.now = NOON - 1

    def save(*more: dict[str, Any], **options: Any) -> Bench:
        wanted = [{"expression": "* * * * *", **options}, *more]
        assert bench.save(place("a"), triggers=[{"type": "CRON", "value": value} for value in wanted]) == []
        return bench

    return save


def tick(bench: Bench, minutes: float = 1) -> int:
    """Let time pass, then start what is due; gives how many times were taken."""
    bench.now += int(minutes * MINUTE)
    return bench.do(triggers.start_due)


def run_ids(bench: Bench) -> list[str]:
    return [run.run_id for run in bench.do(reports.list_runs, NAMESPACE, 1, 0).runs]


def records(bench: Bench) -> list[tuple[str, int]]:
    """What became of each time, in order, and the minute of it."""

    def read(connection: Any) -> list[tuple[str, int]]:
        (trigger,) = store.in_namespace(connection, NAMESPACE, FLOW)
        rows = reversed(store.latest_ticks(connection, trigger.id, 100))
        return [(row.status, (row.due_at - NOON) // MINUTE) for row in rows]

    return bench.database.read(read)


def test_a_run_starts_at_each_time_and_only_then(cron: Callable[..., Bench]) -> None:
    bench = cron()
    assert bench.do(triggers.start_due) == 0
    assert tick(bench, 1 / 60) == 1
    assert bench.do(triggers.start_due) == 0
    assert tick(bench) == 1
    assert len(run_ids(bench)) == 2
    assert records(bench) == [("TRIGGERED", 0), ("TRIGGERED", 1)]
    assert len(bench.claim()) == 2


def test_inputs_and_store_of_a_trigger_are_those_of_its_runs(bench: Bench) -> None:
    bench.register()
    bench.now = NOON - 1
    value = {"expression": "* * * * *", "inputs": {"text": "at noon"}, "store": {"key": "value"}}
    bench.save(
        place("a", inputs={"text": ""}),
        store_config={"required_keys": ["key"]},
        triggers=[{"type": "CRON", "value": value}],
    )
    assert tick(bench) == 1
    assert bench.claim()[0].inputs == {"text": "at noon"}


def test_what_cannot_start_is_recorded_and_the_next_time_comes(bench: Bench) -> None:
    bench.register()
    bench.now = NOON - 1
    cron = [{"type": "CRON", "value": {"expression": "* * * * *"}}]
    bench.save(place("a"), store_config={"required_keys": ["key"]}, triggers=cron)
    assert [tick(bench), tick(bench)] == [1, 1]
    assert records(bench) == [("FAILED", 0), ("FAILED", 1)]
    assert run_ids(bench) == []


def test_the_same_trigger_saved_again_goes_on_and_others_start_or_end(cron: Callable[..., Bench]) -> None:
    bench = cron({"expression": "0 0 1 1 *"})
    assert tick(bench) == 1
    bench.now = NOON + MINUTE + 1
    cron_again = [{"type": "CRON", "value": {"expression": "* * * * *"}}]
    assert bench.save(place("a"), triggers=cron_again) == []
    assert bench.do(triggers.start_due) == 1  # what was due before it was saved
    assert [minute for _, minute in records(bench)] == [0, 1]
    assert bench.save(place("a")) == []
    assert tick(bench, 10) == 0


def test_a_flow_of_the_same_name_elsewhere_keeps_its_triggers(cron: Callable[..., Bench]) -> None:
    bench = cron()
    request = UpsertGraphRequest.model_validate({"secrets": {}, "nodes": [place("a")]})
    bench.do(flows.save_flow, "other", FLOW, request)
    assert tick(bench) == 1


def test_after_a_time_without_managers_one_run_starts_by_default(cron: Callable[..., Bench]) -> None:
    bench = cron()
    assert tick(bench, 600.5) == 1
    assert records(bench) == [("TRIGGERED", 600)]


def test_all_missed_times_start_runs_when_asked_for(cron: Callable[..., Bench]) -> None:
    bench = cron(missed="ALL")
    assert tick(bench, 5) == 5
    assert [minute for _, minute in records(bench)] == [0, 1, 2, 3, 4]


def test_overlapping_runs_are_skipped_when_asked_for(cron: Callable[..., Bench]) -> None:
    bench = cron(overlap="SKIP")
    assert [tick(bench), tick(bench)] == [1, 1]
    bench.run_all()
    tick(bench)
    assert records(bench) == [("TRIGGERED", 0), ("SKIPPED", 1), ("TRIGGERED", 2)]


def test_overlapping_runs_wait_for_their_turn_when_asked_for(cron: Callable[..., Bench]) -> None:
    bench = cron(overlap="QUEUE")
    assert [tick(bench), tick(bench), tick(bench)] == [1, 1, 1]
    assert records(bench) == [("TRIGGERED", 0), ("WAITING", 1), ("WAITING", 2)]
    assert bench.do(triggers.start_waiting) == 0
    assert bench.run_all() == 1
    assert [bench.do(triggers.start_waiting), bench.do(triggers.start_waiting)] == [1, 0]
    assert records(bench) == [("TRIGGERED", 0), ("TRIGGERED", 1), ("WAITING", 2)]
    assert bench.run_all() == 1
    tick(bench)  # minute 3 comes behind the one that waits
    assert bench.do(triggers.start_waiting) == 1
    assert [status for status, _ in records(bench)] == ["TRIGGERED", "TRIGGERED", "TRIGGERED", "WAITING"]


def test_records_of_times_are_forgotten_after_a_while_but_not_what_waits(cron: Callable[..., Bench]) -> None:
    bench = cron(overlap="QUEUE")
    assert [tick(bench), tick(bench)] == [1, 1]
    bench.context.settings.keep_ticks = 10 * MINUTE
    assert bench.do(retention.remove_ticks) == 0
    bench.now += 11 * MINUTE
    assert bench.do(retention.remove_ticks) == 1
    assert records(bench) == [("WAITING", 1)]


def test_every_time_is_taken_by_one_of_several_managers(postgres: PostgresServer) -> None:
    with postgres.schema() as url:
        benches = [Bench(url) for _ in range(4)]
        first = benches[0]
        first.register()
        for bench in benches:
            bench.now = NOON - 1
        cron = [
            {"type": "CRON", "value": {"expression": expression}}
            for expression in ("* * * * *", "*/2 * * * *")
        ]
        first.save(place("a"), triggers=cron)
        with ThreadPoolExecutor(4) as pool:
            for _ in range(10):
                taken = Counter(pool.map(tick, benches))
                assert sum(number * times for number, times in taken.items()) in {1, 2}
        assert len(run_ids(first)) == 15
        for bench in benches:
            bench.database.close()
