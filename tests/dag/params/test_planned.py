"""The parameters of a run: checked before anything runs, and only of states that are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from groundup.dag import Params, ParamsError, Runner, StateGraph, state
from groundup.dag.params.source import ParamSource
from tests.dag.params.declared import GRAPH, Deployment, deploy


def test_a_state_that_is_replaced_is_set_by_its_name_in_the_graph() -> None:
    @state(replaces="deploy")
    def better(replaced: Deployment) -> Deployment:
        return replaced

    with Runner(
        StateGraph([deploy, better]), params=ParamSource.from_settings(["deploy.replaced.region=eu"])
    ) as runner:
        assert runner.reach("deploy").value("deploy").region == "eu"


def test_plain_values_are_a_source_too() -> None:
    with Runner(GRAPH, params={"deploy": {"region": "eu"}}) as runner:
        assert runner.reach("deploy").value("deploy") == Deployment(region="eu")


def test_it_is_told_before_anything_runs() -> None:
    ran = []

    @state
    def first() -> None:
        ran.append(1)

    @state(needs=[first])
    def second(params: Params[Deployment]) -> None: ...

    with Runner(StateGraph([first, second])) as runner, pytest.raises(ParamsError, match="region is missing"):
        runner.reach("second")
    with pytest.raises(ParamsError, match="no state named thrid"):
        Runner(StateGraph([first, second]), params={"thrid": {}})
    assert ran == []


def test_parameters_of_states_that_are_not_needed_need_not_be_there() -> None:
    with Runner(GRAPH) as runner:
        assert runner.reach("plain").value("plain") == 1


WITHOUT = """
import sys
from groundup.dag import Runner, StateGraph, state
with Runner(StateGraph([state(lambda: 1, name="one")]), params={}) as runner:
    print(runner.reach("one").value("one"), "pydantic" in sys.modules)
"""


def test_without_parameters_pydantic_is_not_imported() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
