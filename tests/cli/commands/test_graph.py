"""`groundup graph`: what states need, in every form."""

from __future__ import annotations

import json

import pytest

from groundup.states import builtin_graph
from tests.support.diagrams import Read, read_dot, read_mermaid
from tests.support.neo import Neo

NAMES = {state.name for state in builtin_graph()}
EDGES = {(parent, state.name) for state in builtin_graph() for parent in state.parents}


def test_it_draws_a_tree_of_all_states(neo: Neo) -> None:
    done = neo.run(neo.module("graph"), check=True)
    drawn = {
        line.lstrip("│├└─ ").removesuffix(" …").removesuffix(" (lazy)") for line in done.stdout.splitlines()
    }
    assert drawn == NAMES


def test_of_a_target_it_shows_what_it_needs(neo: Neo) -> None:
    assert neo.run(neo.module("graph", "ready"), check=True).stdout == "ready\n└─ config\n"


def test_of_a_state_it_shows_who_needs_it(neo: Neo) -> None:
    done = neo.run(neo.module("graph", "--children", "quickstart_manager"), check=True)
    assert done.stdout == "quickstart_manager\n└─ quickstart_flow\n   └─ quickstart\n"


@pytest.mark.parametrize(("form", "read"), [("dot", read_dot), ("mermaid", read_mermaid)])
def test_it_writes_what_programs_draw(neo: Neo, form: str, read: Read) -> None:
    done = neo.run(neo.module("graph", "--format", form), check=True)
    nodes, edges = read(iter(done.stdout.splitlines()))
    assert set(nodes) == NAMES
    assert {(parent, child) for parent, child, _ in edges} == EDGES
    done = neo.run(neo.module("graph", "--format", form, "--children", "quickstart_flow"), check=True)
    assert set(read(iter(done.stdout.splitlines()))[0]) == {"quickstart_flow", "quickstart"}


def test_it_gives_data_for_machines(neo: Neo) -> None:
    done = neo.run(neo.module("graph", "ready", "--format", "json"), check=True)
    config, ready = json.loads(done.stdout)["states"]
    assert (config["name"], config["parents"]) == ("config", [])
    assert (ready["name"], ready["parents"], ready["lazy"], ready["unused"]) == ("ready", ["config"], [], [])
    assert ready["file"].endswith("states/environment.py")
    assert ready["line"] > 0
    assert ready["description"]
    assert ready["origin"]["kind"] == "built-in"
    assert ready["replaces"] is None


def test_a_mistyped_target_is_told_with_the_nearest(neo: Neo) -> None:
    for words in (("redy",), ("ready", "redy", "--children"), ("redy", "--format", "dot")):
        done = neo.run(neo.module("graph", *words))
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "error: there is no state named redy\nhint: did you mean ready?\n"
