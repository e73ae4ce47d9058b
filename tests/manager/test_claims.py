"""Claims: who gets what, for how long, and what becomes of a worker that dies."""

from __future__ import annotations

import pytest

from groundup.manager.operations import claims
from groundup.manager.operations.context import Session
from groundup.manager.store import states
from groundup.manager.store.schema import node_states
from groundup.nodes.wire import LeasesRequest, LeasesResponse
from tests.support.manager import NAMESPACE, Bench, place, registration
from tests.support.postgres import PostgresServer

ONE_RETRY = {"max_retries": 1, "strategy": "FIXED", "backoff_factor": 100}


@pytest.fixture
def flow(bench: Bench) -> Bench:
    bench.register()
    bench.save(place("a"), retry_policy=ONE_RETRY)
    return bench


def bare(state_id: str) -> str:
    return state_id.partition(".")[0]


def renew(bench: Bench, *state_ids: str, lease: int = 1000) -> LeasesResponse:
    return bench.do(claims.renew, LeasesRequest(state_ids=list(state_ids), lease=lease))


def release(bench: Bench, *state_ids: str) -> LeasesResponse:
    return bench.do(claims.release, LeasesRequest(state_ids=list(state_ids)))


def test_the_longest_due_comes_first_and_nothing_twice(flow: Bench) -> None:
    runs = []
    for delay in (30, 10, 20):
        runs.append(flow.trigger(start_delay=delay))
    flow.now += 100
    first, *others = [*flow.claim(batch=1), *flow.claim(batch=5)]
    order = [bare(state.state_id) for state in (first, *others)]
    assert order == [flow.graph(runs[index]).nodes[0].id for index in (1, 2, 0)]
    assert flow.claim() == []


def test_a_batch_has_the_longest_due_of_all_asked_nodes(bench: Bench) -> None:
    bench.register(registration("X"), registration("Y"))
    for node, delay in (("X", 40), ("Y", 10), ("X", 30), ("Y", 20)):
        bench.save(place("a", node=node))
        bench.trigger(start_delay=delay)
    bench.now += 100
    assert [state.node_name for state in bench.claim("Y", "X", "Y", "Z", batch=3)] == ["Y", "Y", "X"]
    assert [state.node_name for state in bench.claim("X")] == ["X"]


@pytest.mark.parametrize("batch", [0, -1])
def test_no_batch_is_empty(flow: Bench, batch: int) -> None:
    flow.trigger()
    assert flow.claim(batch=batch) == []


def test_other_namespaces_and_nodes_get_nothing(flow: Bench) -> None:
    flow.trigger()
    assert flow.claim(namespace="other") == []
    assert flow.claim("Other") == []


def test_a_lease_that_ran_out_is_a_failed_attempt_under_the_retry_policy(flow: Bench) -> None:
    run_id = flow.trigger()
    flow.claim(lease=1000)
    flow.now += 1000
    assert flow.do(claims.expire) == 0
    flow.now += 1
    assert flow.do(claims.expire) == 1
    assert flow.statuses(run_id) == [("a", "RETRY_CREATED"), ("a", "CREATED")]
    assert flow.claim() == []  # the delay of the policy
    flow.now += 100
    assert len(flow.claim(lease=1000)) == 1


def test_a_node_that_kills_its_workers_runs_out_of_attempts(flow: Bench) -> None:
    run_id = flow.trigger()
    attempts = 0
    while flow.claim(lease=10):
        attempts += 1
        flow.now += 11
        flow.do(claims.expire)
        flow.now += 100
    assert attempts == 2
    assert flow.statuses(run_id) == [("a", "RETRY_CREATED"), ("a", "ERRORED")]
    assert flow.graph(run_id).nodes[-1].error == (
        "The worker stopped answering before the lease of its claim ran out"
    )


def test_claims_that_nobody_could_renew_are_spared_for_a_while(flow: Bench) -> None:
    runs = [flow.trigger() for _ in range(2)]
    flow.do(claims.sweep)
    kept, lost = [state.state_id for state in flow.claim(lease=1000)]
    flow.now += 5000
    assert flow.do(claims.sweep) == 0  # the manager was away
    runs.append(flow.trigger())
    late = flow.claim(lease=1000)[0].state_id
    for _ in range(9):
        flow.now += 1000
        renew(flow, kept, late, lease=2000)
        assert flow.do(claims.sweep) == 0
    flow.now += 1000
    assert flow.do(claims.sweep) == 1
    assert renew(flow, kept, late, lost).lost == [lost]
    flow.now += 2001
    assert flow.do(claims.sweep) == 2
    assert [len(flow.statuses(run)) for run in runs] == [2, 2, 2]


def test_claims_that_were_made_since_the_manager_is_back_are_not_spared(flow: Bench) -> None:
    flow.trigger()
    flow.do(claims.sweep)
    flow.claim(lease=1000)
    flow.now += 1001
    assert flow.do(claims.sweep) == 1


def test_claims_are_spared_after_the_database_failed(flow: Bench) -> None:
    flow.trigger()
    flow.do(claims.sweep)
    flow.claim(lease=1000)
    flow.now += 1001
    flow.context.presence.interrupted(flow.now)
    assert flow.do(claims.sweep) == 0


def test_a_renewed_lease_holds_and_a_lost_one_is_named(flow: Bench) -> None:
    flow.trigger()
    flow.trigger()
    kept, lost = [state.state_id for state in flow.claim(lease=1000)]
    flow.now += 900
    assert renew(flow, kept, "0" * 24, "x.y") == LeasesResponse(held=[kept], lost=["0" * 24, "x.y"])
    flow.now += 900
    assert flow.do(claims.expire) == 1
    assert renew(flow, kept, lost) == LeasesResponse(held=[kept], lost=[lost])
    assert flow.executed(kept) == {"status": "EXECUTED"}
    assert renew(flow, kept).lost == [kept]


def test_workers_that_cannot_renew_keep_their_claims_for_long(flow: Bench) -> None:
    flow.trigger()
    flow.claim()
    flow.now += flow.context.settings.default_lease
    assert flow.do(claims.expire) == 0


def test_what_is_given_back_is_due_at_once_and_counts_no_attempt(flow: Bench) -> None:
    run_id = flow.trigger()
    (state,) = flow.claim()
    assert release(flow, state.state_id).held == [state.state_id]
    (again,) = flow.claim()
    assert bare(again.state_id) == bare(state.state_id)
    assert release(flow, state.state_id).lost == [state.state_id]  # the claim of the other worker stays
    flow.executed(again.state_id)
    assert flow.statuses(run_id) == [("a", "SUCCESS")]


def test_a_lease_of_any_length_is_taken(flow: Bench) -> None:
    flow.trigger()
    (state,) = flow.claim(lease=10**30)
    assert renew(flow, state.state_id, lease=10**30).held == [state.state_id]


def test_a_batch_has_a_limit(flow: Bench) -> None:
    flow.context.settings.largest_batch = 2
    for _ in range(3):
        flow.trigger()
    assert len(flow.claim(batch=10**30)) == 2


def test_a_claim_reads_few_rows_also_when_a_backlog_has_grown_since_the_first(
    postgres: PostgresServer,
) -> None:
    with postgres.schema() as url:
        bench = Bench(url)
        bench.register()
        bench.save(place("a"))
        for _ in range(20):  # so that the database may have made up its mind about small tables
            bench.trigger()
            bench.claim()
        bench.trigger()
        (state,) = bench.claim(batch=1)
        bench.executed(state.state_id)
        bench.do(_copy, 20_000)
        assert bench.do(_rows_read_by_a_claim) < 500
        bench.database.close()


def _copy(session: Session, times: int) -> None:
    """Let the last node state wait so many times more."""
    columns = [column.name for column in node_states.columns if column.name != "seq"]
    new = {"id": "lpad(n::text, 24, '0')", "status": "'CREATED'"}
    values = ", ".join(new.get(name, name) for name in columns)
    session.connection.exec_driver_sql(
        f"INSERT INTO node_states ({', '.join(columns)}) SELECT {values} FROM node_states, "  # noqa: S608
        f"generate_series(1, {times}) n WHERE seq = (SELECT max(seq) FROM node_states)"
    )


def _rows_read_by_a_claim(session: Session) -> int:
    def read() -> int:
        return int(
            session.connection.exec_driver_sql(
                "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables "
                "WHERE relname = 'node_states' AND schemaname = current_schema()"
            ).scalar_one()
        )

    before = read()
    demand = states.Demand(namespace=NAMESPACE, names=["Node"], limit=16, lease=1000)
    assert len(states.claim(session.connection, demand, session.now)) == 16
    return read() - before
