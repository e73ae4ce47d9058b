"""Next nodes that follow only where a condition holds."""

from __future__ import annotations

from typing import Any

import pytest

from groundup.manager.errors import RejectedError
from tests.support.manager import Bench, place, registration

YES: dict[str, Any] = {"one_of": ["yes", "sure"]}
NO: dict[str, Any] = {"none_of": ["yes", "sure"]}


def condition(value: str = "${{ check.outputs.verdict }}", **lists: Any) -> dict[str, Any]:
    return {"value": value, **lists}


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.register(registration("Node"), registration("Check", outputs="verdict"))
    return bench


def branching(bench: Bench, *more: Any, **conditions: Any) -> list[str]:
    """Save a flow of a check that other nodes follow; gives its validation errors."""
    check = place("check", "accept", "reject", "always", node="Check", conditions=conditions)
    return bench.save(check, place("accept"), place("reject"), place("always"), *more)


def following(bench: Bench, *verdicts: str, **trigger: Any) -> list[str]:
    """What follows a check that gives these verdicts, one output each."""
    run_id = bench.trigger(**trigger)
    (claimed,) = bench.claim("Check")
    bench.executed(claimed.state_id, *({"verdict": verdict} for verdict in verdicts))
    return [name for name, _ in bench.statuses(run_id) if name != "check"]


def test_each_output_goes_where_its_conditions_hold(bench: Bench) -> None:
    assert branching(bench, accept=condition(**YES), reject=condition(**NO)) == []
    assert following(bench, "yes") == ["accept", "always"]
    assert following(bench, "no") == ["reject", "always"]
    assert following(bench, "sure", "no") == ["accept", "always", "reject", "always"]


def test_they_read_the_store_and_text_around_placeholders(bench: Bench) -> None:
    accept = condition("${{ store.mode }}:${{ check.outputs.verdict }}", one_of=["strict:yes"])
    check = place("check", "accept", node="Check", conditions={"accept": accept})
    assert bench.save(check, place("accept"), store_config={"default_values": {"mode": "mild"}}) == []
    assert following(bench, "yes") == []
    assert following(bench, "yes", store={"mode": "strict"}) == ["accept"]


def test_a_run_in_which_nothing_follows_has_succeeded(bench: Bench) -> None:
    check = place("check", "accept", node="Check", conditions={"accept": condition(**YES)})
    bench.save(check, place("accept"))
    run_id = bench.trigger()
    (claimed,) = bench.claim("Check")
    bench.executed(claimed.state_id, {"verdict": "no"})
    assert bench.graph(run_id).status == "SUCCESS"


@pytest.mark.parametrize(
    ("strategy", "verdicts", "joined"),
    [
        ("ALL_SUCCESS", ["yes", "no"], 1),  # one branch arrives
        ("ALL_SUCCESS", ["no", "no"], 0),  # none does, so there is nothing to join
        ("ALL_DONE", ["no", "no"], 1),
    ],
)
def test_a_branch_that_ends_so_is_done_for_joins(
    bench: Bench, strategy: str, verdicts: list[str], joined: int
) -> None:
    bench.save(
        place("check", "accept", node="Check", conditions={"accept": condition(**YES)}),
        place("accept", "join"),
        place("join", unites={"identifier": "check", "strategy": strategy}),
    )
    run_id = bench.trigger()
    (claimed,) = bench.claim("Check")
    bench.executed(claimed.state_id, *({"verdict": verdict} for verdict in verdicts))
    bench.run_all()
    assert [name for name, _ in bench.statuses(run_id)].count("join") == joined


def test_a_value_that_is_not_there_fails_what_should_have_given_it(bench: Bench) -> None:
    branching(bench, accept=condition(**YES))
    run_id = bench.trigger()
    (claimed,) = bench.claim("Check")
    bench.executed(claimed.state_id, {"other": "yes"})
    (state,) = bench.graph(run_id).nodes
    assert state.status == "NEXT_CREATED_ERROR" and "Field 'verdict' not found" in (state.error or "")


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"gone": condition(**YES)}, "Node check has a condition for gone that is no next node of it"),
        ({"join": condition(**YES)}, "Node check has a condition for join that unites: joins have none"),
        ({"accept": condition("${{ late.outputs.x }}", **YES)}, "depends on late but late is not a parent"),
        ({"accept": condition("${{ store.x }}", **YES)}, "is not a required key or a default value"),
        ({"accept": condition("${{ check }}", **YES)}, "Error creating dependent string"),
    ],
)
def test_what_cannot_be_a_condition_is_refused(
    bench: Bench, conditions: dict[str, Any], message: str
) -> None:
    nodes = [
        place("check", "accept", "join", node="Check", conditions=conditions),
        place("accept", "late"),
        place("late"),
        place("join", unites="check"),
    ]
    with pytest.raises(RejectedError, match=message):
        bench.save(*nodes)


def test_outputs_that_a_condition_reads_must_exist(bench: Bench) -> None:
    errors = branching(bench, accept=condition("${{ check.outputs.gone }}", **YES))
    assert errors == ["Field gone in node Check in namespace demo does not exist"]


def test_a_condition_has_one_list(bench: Bench) -> None:
    for lists in ({}, {**YES, **NO}):
        with pytest.raises(ValueError, match="A condition has either one_of or none_of"):
            branching(bench, accept=condition(**lists))


def test_flows_without_conditions_look_as_the_protocol_says(bench: Bench) -> None:
    assert "conditions" not in place("a").model_dump(mode="json")
