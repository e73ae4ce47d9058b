"""What a node of a flow may have of its own: a retry policy, a time-out."""

from __future__ import annotations

import pytest

from groundup.manager.operations import claims, flows
from groundup.nodes.wire import LeasesRequest
from tests.support.manager import FLOW, NAMESPACE, Bench, place

ONCE = {"max_retries": 0}
TWICE = {"max_retries": 1, "strategy": "FIXED", "backoff_factor": 10}


def test_the_policy_of_a_node_replaces_that_of_its_flow(bench: Bench) -> None:
    bench.register()
    bench.save(place("a", "b", retry_policy=TWICE), place("b"), retry_policy=ONCE)
    run_id = bench.trigger()
    bench.errored(bench.claim()[0].state_id)
    bench.now += 10
    bench.executed(bench.claim()[0].state_id)
    bench.errored(bench.claim()[0].state_id)
    assert bench.statuses(run_id) == [("a", "RETRY_CREATED"), ("a", "SUCCESS"), ("b", "ERRORED")]


def test_what_a_node_has_of_its_own_is_shown_and_what_it_lacks_is_not(bench: Bench) -> None:
    bench.register()
    bench.save(place("a", "b", retry_policy=TWICE, timeout=5), place("b"))
    first, second = bench.do(flows.get_flow, NAMESPACE, FLOW).model_dump(mode="json")["nodes"]
    assert (first["retry_policy"]["max_retries"], first["timeout"]) == (1, 5)
    assert set(second) == {"node_name", "namespace", "identifier", "inputs", "next_nodes", "unites"}


@pytest.fixture
def limited(bench: Bench) -> Bench:
    """A flow of one node that may take a second, and twice."""
    bench.register()
    bench.save(place("a", timeout=1000, retry_policy=TWICE))
    return bench


def test_an_execution_that_takes_too_long_is_a_failed_attempt(limited: Bench) -> None:
    run_id = limited.trigger()
    (state,) = limited.claim(lease=60_000)
    limited.now += 1000
    assert limited.do(claims.expire) == 0
    limited.now += 1
    assert limited.do(claims.expire) == 1
    assert limited.statuses(run_id) == [("a", "RETRY_CREATED"), ("a", "CREATED")]
    assert limited.graph(run_id).nodes[0].error == "The node took longer than its time-out of 1000 ms"
    assert limited.pruned(state.state_id)["status"] == "PRUNED"  # late, without effect


def test_renewing_does_not_outlast_the_time_out_and_each_attempt_has_its_own(limited: Bench) -> None:
    run_id = limited.trigger()
    for _ in range(2):
        (state,) = limited.claim(lease=300)
        for _ in range(4):
            limited.now += 250
            request = LeasesRequest(state_ids=[state.state_id], lease=300)
            assert limited.do(claims.renew, request).held == [state.state_id]
            assert limited.do(claims.expire) == 0
        limited.now += 1
        assert limited.do(claims.expire) == 1
        limited.now += 10
    assert limited.statuses(run_id) == [("a", "RETRY_CREATED"), ("a", "ERRORED")]


def test_a_lease_shorter_than_the_time_out_still_ends(limited: Bench) -> None:
    run_id = limited.trigger()
    limited.claim(lease=10)
    limited.now += 11
    assert limited.do(claims.expire) == 1
    assert "stopped answering" in (limited.graph(run_id).nodes[0].error or "")


def test_waiting_counts_for_no_time_out(limited: Bench) -> None:
    limited.trigger()
    limited.now += 10**9
    (state,) = limited.claim()
    assert limited.do(claims.expire) == 0
    assert limited.executed(state.state_id) == {"status": "EXECUTED"}


def test_a_time_out_of_any_length_is_taken(bench: Bench) -> None:
    bench.register()
    bench.save(place("a", timeout=10**40))
    bench.trigger()
    assert len(bench.claim()) == 1
