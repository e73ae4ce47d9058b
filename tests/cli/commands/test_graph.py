"""`groundup graph` and `groundup states`: what there is, for people and for machines."""

from __future__ import annotations

import json

from groundup.states import builtin_graph
from tests.support.neo import Neo

NAMES = {state.name for state in builtin_graph()}


def test_graph_draws_a_tree_of_all_states(neo: Neo) -> None:
    done = neo.run(neo.module("graph"), check=True)
    assert {line.lstrip("│├└─ ").removesuffix(" …") for line in done.stdout.splitlines()} == NAMES


def test_graph_of_a_target_shows_what_it_needs(neo: Neo) -> None:
    assert neo.run(neo.module("graph", "ready"), check=True).stdout == "ready\n└─ config\n"


def test_graph_gives_data_for_machines(neo: Neo) -> None:
    done = neo.run(neo.module("graph", "ready", "--format", "json"), check=True)
    config, ready = json.loads(done.stdout)["states"]
    assert (config["name"], config["parents"]) == ("config", [])
    assert (ready["name"], ready["parents"]) == ("ready", ["config"])
    assert ready["file"].endswith("states/environment.py")
    assert ready["line"] > 0
    assert ready["description"]


def test_states_lists_each_with_description_parents_and_source(neo: Neo) -> None:
    lines = neo.run(neo.module("states"), check=True).stdout.splitlines()
    assert {line for line in lines if not line.startswith(" ")} == NAMES
    ready = builtin_graph()["ready"]
    at = lines.index("ready")
    assert lines[at + 1 : at + 4] == [f"    {ready.summary}", "    needs config", f"    {ready.source}"]


def test_states_gives_data_for_machines(neo: Neo) -> None:
    done = neo.run(neo.module("states", "--json"), check=True)
    assert {state["name"] for state in json.loads(done.stdout)["states"]} == NAMES


def test_every_state_says_what_it_is_about() -> None:
    assert [state.name for state in builtin_graph() if not state.summary] == []
