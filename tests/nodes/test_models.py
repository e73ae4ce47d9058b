"""Flows as a person writes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from groundup.nodes import CronTrigger, GraphNodeModel, RetryPolicyModel, RunStatus, StateStatus, UnitesModel
from groundup.nodes.models import FAILED, UNFINISHED, NodeTemplate, run_status


def node(**fields: Any) -> GraphNodeModel:
    return GraphNodeModel.model_validate({"node_name": "N", "namespace": "ns", "identifier": "i", **fields})


def test_a_node_travels_with_nulls_and_text() -> None:
    united = node(unites=UnitesModel(identifier=" a "))
    assert united.model_dump(mode="json") == {
        "node_name": "N",
        "namespace": "ns",
        "identifier": "i",
        "inputs": {},
        "next_nodes": None,
        "unites": {"identifier": "a", "strategy": "ALL_SUCCESS"},
    }


def test_names_are_stripped() -> None:
    stripped = node(node_name=" N ", identifier=" i ", next_nodes=[" a ", "b"])
    assert (stripped.node_name, stripped.identifier, stripped.next_nodes) == ("N", "i", ["a", "b"])


def test_every_wrong_next_node_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        node(next_nodes=["a", " ", "a"])
    assert "Next node identifier cannot be empty\nNext node identifier a is not unique" in str(caught.value)


def test_a_manager_takes_null_for_no_next_nodes_but_not_for_no_inputs() -> None:
    fields = {"node_name": "N", "namespace": "ns", "identifier": "i", "next_nodes": None}
    assert NodeTemplate.model_validate({**fields, "inputs": {}}).next_nodes == []
    with pytest.raises(ValidationError, match="inputs"):
        NodeTemplate.model_validate(fields)


@pytest.mark.parametrize(
    "fields",
    [{"max_retries": -1}, {"backoff_factor": 0}, {"exponent": 0}, {"max_delay": 0}, {"strategy": "X"}],
)
def test_retry_policies_have_limits(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RetryPolicyModel.model_validate(fields)


def test_cron_expressions_are_left_to_the_manager() -> None:
    assert CronTrigger(expression="anything").expression == "anything"


@given(st.dictionaries(st.sampled_from(StateStatus), st.integers(0, 3)))
def test_the_status_of_a_run_follows_from_its_node_states(counts: dict[StateStatus, int]) -> None:
    there = {status for status, count in counts.items() if count}
    expected = RunStatus.FAILED if not there or there & FAILED else RunStatus.SUCCESS
    assert run_status(counts) is (RunStatus.PENDING if there & UNFINISHED else expected)
