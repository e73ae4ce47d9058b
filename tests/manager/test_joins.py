"""Joins: which node states they wait for, and what does not stop them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from groundup.nodes.wire import ClaimedState
from tests.support.manager import Bench, place, registration

Answers = dict[str, Callable[[Bench, str], object]]

DONE: Callable[[Bench, str], object] = lambda bench, state_id: bench.executed(state_id)  # noqa: E731
FAILS: Callable[[Bench, str], object] = lambda bench, state_id: bench.errored(state_id)  # noqa: E731
ENDS: Callable[[Bench, str], object] = lambda bench, state_id: bench.pruned(state_id)  # noqa: E731

NO_RETRY = {"max_retries": 0}


def work(bench: Bench, *order: tuple[str, Callable[[Bench, str], object]]) -> None:
    """Claim what is due, then answer in this order, by identifier."""
    waiting: list[ClaimedState] = bench.claim()
    for identifier, answer in order:
        state = next(state for state in waiting if state.identifier == identifier)
        waiting.remove(state)
        answer(bench, state.state_id)


def created(bench: Bench, run_id: str, identifier: str) -> int:
    return sum(node.identifier == identifier for node in bench.graph(run_id).nodes)


def fan_out(bench: Bench, strategy: str, *, unites: str = "root") -> str:
    """root → fan → work → join; three node states of work are due."""
    bench.register()
    joining = {"identifier": unites, "strategy": strategy}
    nodes = [place("root", "fan"), place("fan", "work"), place("work", "join"), place("join", unites=joining)]
    assert bench.save(*nodes, retry_policy=NO_RETRY) == []
    run_id = bench.trigger()
    work(bench, ("root", DONE))
    (state,) = bench.claim()
    bench.executed(state.state_id, {}, {}, {})
    return run_id


@pytest.mark.parametrize("unites", ["root", "fan"])
@pytest.mark.parametrize("strategy", ["ALL_SUCCESS", "ALL_DONE"])
def test_one_join_after_all_branches_also_on_the_node_that_fanned_out(
    bench: Bench, strategy: str, unites: str
) -> None:
    run_id = fan_out(bench, strategy, unites=unites)
    first, second, third = bench.claim()
    bench.executed(third.state_id)
    bench.executed(first.state_id)
    assert created(bench, run_id, "join") == 0
    bench.executed(second.state_id)
    assert created(bench, run_id, "join") == 1
    assert bench.run_all() == 1
    assert bench.graph(run_id).status == "SUCCESS"


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
@pytest.mark.parametrize("answer", [FAILS, ENDS])
def test_all_done_joins_whichever_branch_fails_or_ends_whenever(
    bench: Bench, answer: Callable[[Bench, str], object], order: list[int]
) -> None:
    run_id = fan_out(bench, "ALL_DONE")
    states = bench.claim()
    for position in order:
        (answer if position == 0 else DONE)(bench, states[position].state_id)
    assert created(bench, run_id, "join") == 1


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
@pytest.mark.parametrize(("answer", "joins"), [(FAILS, 0), (ENDS, 1)])
def test_all_success_counts_a_pruned_branch_as_done_and_a_failed_one_not(
    bench: Bench, answer: Callable[[Bench, str], object], joins: int, order: list[int]
) -> None:
    run_id = fan_out(bench, "ALL_SUCCESS")
    states = bench.claim()
    for position in order:
        (answer if position == 0 else DONE)(bench, states[position].state_id)
    assert created(bench, run_id, "join") == joins
    assert bench.graph(run_id).status == ("PENDING" if joins else "FAILED")


def test_all_success_with_every_branch_pruned_has_nothing_to_join(bench: Bench) -> None:
    run_id = fan_out(bench, "ALL_SUCCESS")
    for state in bench.claim():
        bench.pruned(state.state_id)
    assert created(bench, run_id, "join") == 0
    assert bench.graph(run_id).status == "SUCCESS"


def test_a_join_waits_for_retries(bench: Bench) -> None:
    bench.register()
    fixed = {"max_retries": 1, "strategy": "FIXED", "backoff_factor": 50}
    bench.save(place("a", "b"), place("b", "j"), place("j", unites="a"), retry_policy=fixed)
    run_id = bench.trigger()
    work(bench, ("a", DONE))
    work(bench, ("b", FAILS))
    assert created(bench, run_id, "j") == 0
    bench.now += 50
    work(bench, ("b", DONE))
    assert created(bench, run_id, "j") == 1


def test_branches_that_do_not_name_the_join_are_waited_for(bench: Bench) -> None:
    bench.register()
    bench.save(place("a", "b", "c"), place("b", "j"), place("c"), place("j", unites="a"))
    run_id = bench.trigger()
    work(bench, ("a", DONE))
    work(bench, ("b", DONE), ("c", ENDS))
    assert created(bench, run_id, "j") == 1


def test_uniting_the_direct_predecessor_joins_all_that_it_put_out(bench: Bench) -> None:
    bench.register()
    bench.save(place("a", "j"), place("j", unites="a"))
    run_id = bench.trigger()
    (state,) = bench.claim()
    bench.executed(state.state_id, {}, {})
    assert bench.statuses(run_id) == [("a", "SUCCESS"), ("a", "SUCCESS"), ("j", "CREATED")]


def test_the_parents_of_a_join_are_the_united_node_and_its_ancestors(bench: Bench) -> None:
    run_id = fan_out(bench, "ALL_DONE", unites="fan")
    for state in bench.claim():
        bench.executed(state.state_id)
    graph = bench.graph(run_id)
    ids = {node.identifier: node.id for node in reversed(graph.nodes)}
    assert [edge.source for edge in graph.edges if edge.target == ids["join"]] == [ids["fan"]]


def test_an_inner_join_comes_before_the_outer_one(bench: Bench) -> None:
    bench.register()
    bench.save(
        place("a", "b", "c"),
        place("b", "inner"),
        place("c", "inner"),
        place("inner", "outer", unites="a"),
        place("outer", unites="a"),
    )
    run_id = bench.trigger()
    work(bench, ("a", DONE))
    work(bench, ("b", DONE), ("c", DONE))
    assert bench.statuses(run_id)[-1] == ("inner", "CREATED")
    work(bench, ("inner", DONE))
    assert bench.statuses(run_id)[-1] == ("outer", "CREATED")


def test_two_joins_over_the_same_branches_do_not_wait_for_each_other(bench: Bench) -> None:
    bench.register()
    bench.save(place("a", "b"), place("b", "j", "k"), place("j", unites="a"), place("k", unites="a"))
    run_id = bench.trigger()
    work(bench, ("a", DONE))
    work(bench, ("b", DONE))
    assert bench.statuses(run_id)[-2:] == [("j", "CREATED"), ("k", "CREATED")]


def test_a_join_whose_inputs_cannot_be_built_fails_what_completed_it(bench: Bench) -> None:
    bench.register()
    word = registration("Source", outputs="word")
    bench.register(word, registration("Reader", inputs="text"))
    inputs = {"text": "${{ a.outputs.word }}"}
    bench.save(
        place("a", "b", node="Source"),
        place("b", "j"),
        place("j", unites="a", node="Reader", inputs=inputs),
    )
    run_id = bench.trigger()
    (state,) = bench.claim("Source")
    bench.executed(state.state_id)
    work(bench, ("b", DONE))
    node = bench.graph(run_id).nodes[-1]
    assert (node.identifier, node.status) == ("b", "NEXT_CREATED_ERROR")
    assert node.error == "Field 'word' not found in the outputs of 'a' for template 'j'"


def test_a_manual_retry_of_the_failed_branch_releases_the_join(bench: Bench) -> None:
    run_id = fan_out(bench, "ALL_SUCCESS")
    first, second, third = bench.claim()
    bench.executed(first.state_id)
    bench.executed(second.state_id)
    bench.errored(third.state_id)
    bench.retried(third.state_id, "again")
    bench.run_all()
    assert created(bench, run_id, "join") == 1
    assert bench.graph(run_id).status == "SUCCESS"
