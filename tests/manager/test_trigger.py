"""Starting runs: inputs, store, delays, versions."""

from __future__ import annotations

import pytest

from groundup.manager.errors import NotFoundError, RejectedError
from tests.support.manager import Bench, place, registration


@pytest.fixture
def flow(bench: Bench) -> Bench:
    bench.register(registration("Node", inputs="text"))
    store = {"required_keys": ["user"], "default_values": {"greeting": "Hello"}}
    text = "${{ store.greeting }} ${{store.user}}"
    assert bench.save(place("a", inputs={"text": text, "extra": "kept"}), store_config=store) == []
    return bench


def test_root_inputs_are_the_templates_with_values_of_the_store(flow: Bench) -> None:
    flow.trigger(store={"user": "Ada"})
    assert flow.claim()[0].inputs == {"text": "Hello Ada", "extra": "kept"}


def test_what_the_caller_passes_wins_over_template_and_default(flow: Bench) -> None:
    flow.trigger(
        store={"user": "Ada", "greeting": "Bye"}, inputs={"extra": "${{ store.user }}", "unknown": "x"}
    )
    assert flow.claim()[0].inputs == {"text": "Bye Ada", "extra": "Ada"}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "Invalid input: 400: Dependent user not found in store for root node a"),
        ({"inputs": {"text": "plain"}}, "Missing store keys: {'user'}"),
        (
            {"inputs": {"text": "${{ b.outputs.c }}"}},
            "Invalid input: 400: Root node can have only store identifier as dependent but got b",
        ),
    ],
)
def test_what_does_not_fit_is_refused(flow: Bench, request_: dict[str, dict[str, str]], message: str) -> None:
    with pytest.raises(RejectedError) as caught:
        flow.trigger(**request_)
    assert str(caught.value) == message
    assert flow.claim() == []


def test_only_known_and_valid_flows_run(bench: Bench) -> None:
    with pytest.raises(NotFoundError, match="Graph template not found for namespace demo and graph flow"):
        bench.trigger()
    assert bench.save(place("a")) != []
    with pytest.raises(RejectedError, match="Graph template is not valid"):
        bench.trigger()


def test_a_delayed_run_is_due_when_the_delay_is_over(flow: Bench) -> None:
    flow.trigger(store={"user": "Ada"}, start_delay=500)
    assert flow.claim() == []
    flow.now += 499
    assert flow.claim() == []
    flow.now += 1
    assert len(flow.claim()) == 1


def test_a_delay_of_any_size_is_taken(flow: Bench) -> None:
    flow.trigger(store={"user": "Ada"}, start_delay=10**40)
    assert flow.claim() == []


def test_a_refused_version_leaves_the_previous_one(flow: Bench) -> None:
    with pytest.raises(RejectedError):
        flow.save(place("a", "gone"))
    flow.trigger(store={"user": "Ada"})
    assert flow.claim()[0].identifier == "a"


def test_a_run_keeps_the_version_that_it_was_triggered_with(bench: Bench) -> None:
    bench.register()
    bench.save(place("a", "b"), place("b"))
    run_id = bench.trigger()
    assert bench.save(place("a", "x"), place("x")) == []
    newer = bench.trigger()
    bench.run_all()
    assert [identifier for identifier, _ in bench.statuses(run_id)] == ["a", "b"]
    assert [identifier for identifier, _ in bench.statuses(newer)] == ["a", "x"]


def test_identifiers_may_change_together_with_the_inputs_that_name_them(bench: Bench) -> None:
    bench.register(registration("Node", inputs="text", outputs="word"))
    for first in ("a", "a2"):
        reading = {"text": f"${{{{ {first}.outputs.word }}}}"}
        assert bench.save(place(first, "b", inputs={"text": ""}), place("b", inputs=reading)) == []


def test_later_inputs_are_those_that_the_node_declares_resolved(bench: Bench) -> None:
    bench.register(registration("Node", outputs="word"), registration("Reader", inputs="text"))
    inputs = {"text": "<${{ a.outputs.word }}${{ store.end }}", "extra": "dropped"}
    bench.save(
        place("a", "b"),
        place("b", node="Reader", inputs=inputs),
        store_config={"default_values": {"end": ">"}},
    )
    bench.trigger()
    bench.executed(bench.claim()[0].state_id, {"word": "${{ not.outputs.parsed }}"})
    assert bench.claim("Reader")[0].inputs == {"text": "<${{ not.outputs.parsed }}>"}


def test_a_missing_output_fails_the_node_state_that_should_have_had_it(bench: Bench) -> None:
    bench.register(registration("Node", inputs="text", outputs="word"))
    reading = place("b", inputs={"text": "${{ a.outputs.word }}"})
    bench.save(place("a", "b", inputs={"text": ""}), reading)
    run_id = bench.trigger()
    assert bench.executed(bench.claim()[0].state_id) == {"status": "EXECUTED"}
    (node,) = bench.graph(run_id).nodes
    assert (node.status, bench.graph(run_id).status) == ("NEXT_CREATED_ERROR", "FAILED")
    assert node.error == "Field 'word' not found in the outputs of 'a' for template 'b'"


def test_nodes_of_another_namespace_take_part(bench: Bench) -> None:
    bench.register()
    bench.register(registration("Away", secrets="token"), namespace="other")
    away = place("b", "c", node="Away").model_copy(update={"namespace": "other"})
    assert bench.save(place("a", "b"), away, place("c"), secrets={"token": "t"}) == []
    run_id = bench.trigger()
    bench.run_all()
    (state,) = bench.claim("Away", namespace="other")
    assert bench.secrets(state.state_id, namespace="other") == {"token": "t"}
    bench.executed(state.state_id, namespace="other")
    bench.run_all()
    assert bench.statuses(run_id) == [("a", "SUCCESS"), ("b", "SUCCESS"), ("c", "SUCCESS")]
