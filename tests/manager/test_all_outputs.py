"""`${{ identifier.all_outputs.field }}`: a join reads the outputs of all that it unites."""

from __future__ import annotations

import json

import pytest

from groundup.manager.errors import RejectedError
from tests.support.manager import Bench, place, registration

READING = {"text": "${{ work.all_outputs.word }}"}


def register(bench: Bench) -> None:
    bench.register(registration("Node", outputs="word"), registration("Join", inputs="text"))


def fan_out(bench: Bench, *, strategy: str = "ALL_SUCCESS") -> list[str]:
    """root fans out to three node states of work, whose claims are given; join unites root."""
    register(bench)
    unites = {"identifier": "root", "strategy": strategy}
    join = place("join", node="Join", unites=unites, inputs=READING)
    nodes = [place("root", "work"), place("work", "join"), join]
    assert bench.save(*nodes, retry_policy={"max_retries": 0}) == []
    bench.trigger()
    bench.executed(bench.claim()[0].state_id, {"word": "r1"}, {"word": "r2"}, {"word": "r3"})
    return [state.state_id for state in bench.claim()]


def joined(bench: Bench) -> object:
    """What the join reads."""
    (state,) = bench.claim("Join")
    return json.loads(state.inputs["text"])


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_outputs_of_all_branches_are_a_list_in_the_order_of_creation(bench: Bench, order: list[int]) -> None:
    branches = fan_out(bench)
    for number in order:
        bench.executed(branches[number], {"word": f"w{number}"})
    assert joined(bench) == ["w0", "w1", "w2"]


def test_a_branch_that_fans_out_gives_all_its_outputs(bench: Bench) -> None:
    first, second, third = fan_out(bench)
    bench.executed(first, {"word": "a"}, {"word": "b"})
    bench.executed(second, {"word": 1})
    bench.executed(third, {"word": ["x"]})
    assert sorted(map(str, joined(bench))) == ["1", "['x']", "a", "b"]  # type: ignore[call-overload]


def test_branches_that_failed_or_ended_give_nothing(bench: Bench) -> None:
    first, second, third = fan_out(bench, strategy="ALL_DONE")
    bench.errored(first)
    bench.executed(third, {"word": "w"})
    bench.pruned(second)
    assert joined(bench) == ["w"]


def test_the_node_that_fanned_out_is_read_as_a_list_too(bench: Bench) -> None:
    register(bench)
    inputs = {"text": "${{ root.all_outputs.word }}"}
    join = place("join", node="Join", unites="root", inputs=inputs)
    bench.save(place("root", "work"), place("work", "join"), join)
    bench.trigger()
    bench.executed(bench.claim()[0].state_id, {"word": "r1"}, {"word": "r2"})
    for state in bench.claim():
        bench.executed(state.state_id, {"word": ""})
    assert joined(bench) == ["r1", "r2"]


def test_a_join_right_behind_what_fanned_out(bench: Bench) -> None:
    register(bench)
    inputs = {"text": "${{ root.all_outputs.word }}"}
    bench.save(place("root", "join"), place("join", node="Join", unites="root", inputs=inputs))
    bench.trigger()
    bench.executed(bench.claim()[0].state_id, {"word": "r1"}, {"word": "r2"})
    assert joined(bench) == ["r1", "r2"]


def test_only_joins_read_so_and_only_what_they_unite(bench: Bench) -> None:
    register(bench)
    with pytest.raises(RejectedError, match="depends on all of work but b does not unite work"):
        bench.save(place("work", "b"), place("b", node="Join", inputs=READING))
    before = place("join", node="Join", unites="root", inputs={"text": "${{ before.all_outputs.word }}"})
    with pytest.raises(RejectedError, match="depends on all of before but join does not unite before"):
        bench.save(place("before", "root"), place("root", "join"), before)
    with pytest.raises(RejectedError, match="work but work is not a parent of join"):
        join = place("join", node="Join", unites="root", inputs={"text": "${{ work.outputs.word }}"})
        bench.save(place("root", "work"), place("work", "join"), join)


def test_the_field_must_be_one_of_the_node(bench: Bench) -> None:
    register(bench)
    join = place("join", node="Join", unites="root", inputs={"text": "${{ root.all_outputs.other }}"})
    errors = bench.save(place("root", "join"), join)
    assert errors == ["Field other in node Node in namespace demo does not exist"]
