"""Finished runs are removed after a while, with all that belongs to them and nothing else."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from groundup.manager.operations import flows, retention
from groundup.manager.store.schema import metadata
from tests.support.manager import FLOW, NAMESPACE, Bench, place

HOUR = 3_600_000


def sizes(bench: Bench) -> dict[str, int]:
    """How many rows each table has that keeps something about runs."""

    def count(connection: Any) -> dict[str, int]:
        tables = ("runs", "node_states", "group_members", "store_values", "flow_versions")
        return {
            name: connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar()
            for name in tables
        }

    return bench.database.read(count)


def joined_flow(bench: Bench) -> None:
    bench.register()
    joining = place("c", unites="a")
    bench.save(place("a", "b"), place("b", "c"), joining, store_config={"default_values": {"k": "v"}})


def test_runs_are_kept_for_ever_by_default(bench: Bench) -> None:
    joined_flow(bench)
    bench.trigger()
    bench.run_all()
    bench.now += 10**12
    assert bench.do(retention.remove_runs) == 0


def test_what_ended_long_ago_is_removed_whole_and_nothing_else(bench: Bench) -> None:
    bench.context.settings.keep_runs = HOUR
    joined_flow(bench)
    bench.trigger(store={"k": "old"})
    bench.run_all()
    bench.now += HOUR
    unfinished = bench.trigger(store={"k": "unfinished"})
    bench.now += 1
    assert bench.do(retention.remove_runs) == 1
    assert sizes(bench) == {
        "runs": 1,
        "node_states": 1,
        "group_members": 0,
        "store_values": 1,
        "flow_versions": 1,
    }
    bench.now += 10 * HOUR
    assert bench.do(retention.remove_runs) == 0
    assert bench.run_all() == 3
    assert bench.do(retention.remove_runs) == 0  # it ended a moment ago
    assert bench.graph(unfinished).status == "SUCCESS"


def test_many_runs_are_removed_in_portions(bench: Bench) -> None:
    bench.context.settings.keep_runs = HOUR
    bench.register()
    bench.save(place("a"))
    for _ in range(120):
        bench.trigger()
    bench.run_all()
    bench.now += HOUR + 1
    removed = []
    while number := bench.do(retention.remove_runs):
        removed.append(number)
    assert (sum(removed), len(removed)) == (120, 3)
    assert sizes(bench)["node_states"] == 0


def test_versions_that_only_removed_runs_had_go_with_them(bench: Bench) -> None:
    bench.context.settings.keep_runs = HOUR
    bench.register()
    bench.save(place("a"))
    bench.trigger()
    bench.save(place("x"))
    assert sizes(bench)["flow_versions"] == 2
    bench.run_all()
    bench.now += HOUR + 1
    bench.do(retention.remove_runs)
    assert sizes(bench)["flow_versions"] == 1
    assert bench.do(flows.get_flow, NAMESPACE, FLOW).nodes[0].identifier == "x"
