"""Answers of workers: each counts once, late ones do not, repeated ones get the recorded answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from groundup.manager.errors import ConflictError, NotFoundError, RejectedError
from groundup.manager.operations import claims
from tests.support.manager import NAMESPACE, Bench, place, registration

FIXED = {"max_retries": 1, "strategy": "FIXED", "backoff_factor": 100}
Answer = Callable[[Bench, str], dict[str, Any]]

EXECUTED: Answer = lambda bench, state_id: bench.executed(state_id, {"word": "x"})  # noqa: E731
ERRORED: Answer = lambda bench, state_id: bench.errored(state_id)  # noqa: E731
PRUNED: Answer = lambda bench, state_id: bench.pruned(state_id, why="done")  # noqa: E731
REQUEUED: Answer = lambda bench, state_id: bench.requeued(state_id, 50)  # noqa: E731
ALL = [EXECUTED, ERRORED, PRUNED, REQUEUED]


@pytest.fixture
def flow(bench: Bench) -> Bench:
    """A flow of two nodes whose first node state is waiting."""
    bench.register(registration("Node", outputs="word"))
    bench.save(place("a", "b"), place("b"), retry_policy=FIXED)
    bench.run_id = bench.trigger()
    return bench


def bare(state_id: str) -> str:
    return state_id.partition(".")[0]


def refused(bench: Bench, answer: Answer, state_id: str) -> str:
    with pytest.raises(RejectedError) as caught:
        answer(bench, state_id)
    return str(caught.value)


def lose_claim(bench: Bench) -> tuple[str, str]:
    """Claim the node state twice; gives the lost claim and the present one."""
    (first,) = bench.claim()
    bench.requeued(first.state_id, 1)
    bench.now += 1
    (second,) = bench.claim()
    return first.state_id, second.state_id


def test_executed_creates_what_is_next(flow: Bench) -> None:
    (state,) = flow.claim()
    assert flow.executed(state.state_id, {"word": "x"}) == {"status": "EXECUTED"}
    assert flow.statuses(flow.run_id) == [("a", "SUCCESS"), ("b", "CREATED")]


def test_each_further_output_continues_on_its_own(flow: Bench) -> None:
    (state,) = flow.claim()
    flow.executed(state.state_id, {"word": "x"}, {"word": "y"}, {"word": "z"})
    assert [identifier for identifier, _ in flow.statuses(flow.run_id)] == ["a"] * 3 + ["b"] * 3
    outputs = [flow.details(flow.run_id, node.id).outputs for node in flow.graph(flow.run_id).nodes[:3]]
    assert outputs == [{"word": "x"}, {"word": "y"}, {"word": "z"}]


def test_errored_is_tried_again_and_then_final(flow: Bench) -> None:
    (state,) = flow.claim()
    assert flow.errored(state.state_id, "first") == {"status": "ERRORED", "retry_created": True}
    assert flow.claim() == []
    flow.now += 100
    (retry,) = flow.claim()
    assert flow.errored(retry.state_id, "second") == {"status": "ERRORED", "retry_created": False}
    nodes = flow.graph(flow.run_id).nodes
    assert [(node.status, node.error) for node in nodes] == [
        ("RETRY_CREATED", "first"),
        ("ERRORED", "second"),
    ]


def test_pruned_ends_the_branch_and_keeps_its_data(flow: Bench) -> None:
    (state,) = flow.claim()
    assert flow.pruned(state.state_id, why="enough") == {"enqueue_after": flow.now, "status": "PRUNED"}
    assert flow.statuses(flow.run_id) == [("a", "PRUNED")]
    assert flow.graph(flow.run_id).status == "SUCCESS"


def test_requeued_runs_again_after_the_delay_without_counting(flow: Bench) -> None:
    for _ in range(5):
        (state,) = flow.claim()
        assert flow.requeued(state.state_id, 50) == {"enqueue_after": flow.now + 50, "status": "CREATED"}
        flow.now += 49
        assert flow.claim() == []
        flow.now += 1
    (state,) = flow.claim()
    assert flow.errored(state.state_id)["retry_created"] is True


@pytest.mark.parametrize("answer", ALL)
def test_a_repeat_under_the_same_token_gets_the_recorded_answer(flow: Bench, answer: Answer) -> None:
    (state,) = flow.claim()
    first = answer(flow, state.state_id)
    before = flow.statuses(flow.run_id)
    flow.now += 7
    assert answer(flow, state.state_id) == first
    assert flow.statuses(flow.run_id) == before


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (EXECUTED, "State is not queued"),
        (ERRORED, "State is already executed"),
        (PRUNED, "State is not queued"),
    ],
)
def test_a_repeat_with_a_bare_id_is_refused(flow: Bench, answer: Answer, message: str) -> None:
    (state,) = flow.claim()
    flow.executed(bare(state.state_id), {"word": "x"})
    assert refused(flow, answer, bare(state.state_id)) == message


def test_errored_on_what_nobody_claimed_is_refused_as_the_protocol_does(flow: Bench) -> None:
    (node,) = flow.graph(flow.run_id).nodes
    assert refused(flow, ERRORED, node.id) == "State is not queued or executed"


def test_another_outcome_under_the_same_token_is_refused(flow: Bench) -> None:
    (state,) = flow.claim()
    flow.executed(state.state_id, {"word": "x"})
    assert refused(flow, ERRORED, state.state_id) == "State is already executed"
    different: Answer = lambda bench, state_id: bench.executed(state_id, {"word": "y"})  # noqa: E731
    assert refused(flow, different, state.state_id) == "State is not queued"


@pytest.mark.parametrize("answer", [EXECUTED, ERRORED])
def test_a_lost_claim_cannot_execute_or_fail(flow: Bench, answer: Answer) -> None:
    lost, present = lose_claim(flow)
    assert refused(flow, answer, lost) == "State is not queued"
    assert answer(flow, present)


@pytest.mark.parametrize(("answer", "status"), [(PRUNED, "PRUNED"), (REQUEUED, "CREATED")])
def test_a_lost_claim_that_prunes_or_requeues_is_answered_without_effect(
    flow: Bench, answer: Answer, status: str
) -> None:
    lost, present = lose_claim(flow)
    assert answer(flow, lost)["status"] == status
    assert flow.statuses(flow.run_id) == [("a", "QUEUED")]
    flow.executed(present, {"word": "x"})
    assert answer(flow, lost)["status"] == status
    assert flow.statuses(flow.run_id) == [("a", "SUCCESS"), ("b", "CREATED")]


@pytest.mark.parametrize("answer", ALL)
def test_a_bare_id_counts_only_while_there_was_one_claim(flow: Bench, answer: Answer) -> None:
    _, present = lose_claim(flow)
    if answer in (EXECUTED, ERRORED):
        assert refused(flow, answer, bare(present)) == "State is not queued"
    else:
        answer(flow, bare(present))
    assert flow.statuses(flow.run_id) == [("a", "QUEUED")]


@pytest.mark.parametrize("answer", ALL)
def test_a_worker_whose_lease_ran_out_answers_in_vain(flow: Bench, answer: Answer) -> None:
    (state,) = flow.claim(lease=10)
    flow.now += 11
    flow.do(claims.expire)
    before = flow.statuses(flow.run_id)
    if answer in (EXECUTED, ERRORED):
        assert refused(flow, answer, state.state_id) == "State is not queued"
    else:
        answer(flow, state.state_id)
    assert flow.statuses(flow.run_id) == before


@pytest.mark.parametrize("answer", ALL)
def test_unknown_node_states_and_other_namespaces_are_not_found(flow: Bench, answer: Answer) -> None:
    for state_id in ("0" * 24, "nonsense", f"{'0' * 24}.token"):
        with pytest.raises(NotFoundError, match="State not found"):
            answer(flow, state_id)
    (state,) = flow.claim()
    with pytest.raises(NotFoundError, match="State not found"):
        flow.executed(state.state_id, namespace="other")


def test_requeue_never_revives_what_has_ended(flow: Bench) -> None:
    (state,) = flow.claim()
    flow.executed(state.state_id, {"word": "x"})
    assert refused(flow, REQUEUED, bare(state.state_id)) == "State is not queued"
    assert flow.statuses(flow.run_id)[0] == ("a", "SUCCESS")


def test_a_manual_retry_starts_with_all_attempts_once_per_token(flow: Bench) -> None:
    for _ in range(2):
        (state,) = flow.claim()
        flow.errored(state.state_id)
        flow.now += 100
    last = flow.graph(flow.run_id).nodes[-1]
    new = flow.retried(last.id, "token")
    assert new["status"] == "CREATED"
    with pytest.raises(ConflictError, match="Duplicate retry state detected"):
        flow.retried(last.id, "token")
    (state,) = flow.claim()
    assert bare(state.state_id) == new["id"]
    assert flow.errored(state.state_id)["retry_created"] is True


@pytest.mark.parametrize("claimed", [False, True])
def test_a_manual_retry_of_what_is_under_way_is_a_conflict(flow: Bench, claimed: bool) -> None:
    (node,) = flow.graph(flow.run_id).nodes
    if claimed:
        flow.claim()
    with pytest.raises(ConflictError, match="cannot be retried before it ends"):
        flow.retried(node.id, "token")


def test_a_manual_retry_in_another_namespace_is_not_found(flow: Bench) -> None:
    (node,) = flow.graph(flow.run_id).nodes
    with pytest.raises(NotFoundError, match="State not found"):
        flow.retried(node.id, "token", namespace="other")


def test_only_declared_secrets_reach_a_node(bench: Bench) -> None:
    bench.register(registration("Node", secrets="mine"), registration("Plain"))
    bench.save(place("a", "b"), place("b", node="Plain"), secrets={"mine": "geheim ü", "other": "x"})
    bench.trigger()
    (state,) = bench.claim()
    assert bench.secrets(state.state_id) == {"mine": "geheim ü"}
    bench.executed(state.state_id)
    (state,) = bench.claim("Plain")
    assert bench.secrets(state.state_id) == {}
    with pytest.raises(NotFoundError, match="State not found"):
        bench.secrets(state.state_id, namespace=f"not-{NAMESPACE}")
