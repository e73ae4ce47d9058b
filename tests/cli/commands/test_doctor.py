"""`groundup doctor`: a line for each check, what to do, and exit code 1 when one failed."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.support.neo import Neo
from tests.support.repositories import write

ADVICE = '''
    from dataclasses import dataclass

    from groundup import GroundupError, state


    @dataclass
    class Advice:
        text: str
        hint: str

        def __str__(self) -> str:
            return self.text


    @state
    def check_editor() -> Advice:
        """An editor is set."""
        return Advice("EDITOR is not set", "set it to the one that you like")
'''
FAILING = '''

    @state
    def check_licence() -> None:
        """The licence is there."""
        print("looking for it")
        raise GroundupError("there is no licence", hint="ask for one")


    @state
    def server() -> None:
        """A server answers."""
        raise ConnectionError("nobody answers")


    @state(needs=["server"])
    def check_answers() -> None:
        """The server gives the right answers."""
'''


def doctor(neo: Neo, *words: str) -> subprocess.CompletedProcess[str]:
    return neo.run(neo.module("doctor", *words))


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Its lines, with single blanks."""
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


@pytest.fixture
def healthy(client: Neo) -> Neo:
    """A repository in which no check fails, and one gives advice."""
    write(client.repo, "groundup_states.py", ADVICE)
    return client


@pytest.fixture
def ill(client: Neo) -> Neo:
    """A repository in which checks fail."""
    write(client.repo, "groundup_states.py", ADVICE + FAILING)
    return client


def test_where_all_is_well_it_exits_0_and_passes_advice_on(healthy: Neo) -> None:
    done = doctor(healthy)
    assert (done.returncode, done.stderr) == (0, "")
    assert "! check_editor EDITOR is not set" in lines(done)
    assert "hint: set it to the one that you like" in lines(done)
    assert any(line.startswith("✓ check_git ") for line in lines(done))
    assert lines(done)[-1].endswith("advice 1 · failed 0 · not run 0")


def test_each_failure_is_told_with_its_hint_and_the_others_are_still_reached(ill: Neo) -> None:
    done = doctor(ill)
    told = lines(done)
    assert done.returncode == 1
    where = told.index("✗ check_licence there is no licence")
    assert told[where + 1 : where + 3] == ["hint: ask for one", "│ looking for it"]
    assert "! check_editor EDITOR is not set" in told
    assert told[-1].endswith("advice 1 · failed 2 · not run 1")


def test_what_a_check_needs_is_told_where_it_fails(ill: Neo) -> None:
    told = lines(doctor(ill))
    where = told.index("✗ server ConnectionError: nobody answers")
    assert told[where + 1].startswith(f"hint: see {ill.repo}/groundup_states.py:")
    assert "· check_answers server failed" in told


def test_it_is_data_for_machines(ill: Neo) -> None:
    done = doctor(ill, "--json")
    data = json.loads(done.stdout)
    assert (done.returncode, data["status"]) == (1, "FAILURE")
    by_name = {check.pop("check"): check for check in data["checks"]}
    assert by_name["check_licence"] == {
        "verdict": "failed",
        "text": "there is no licence",
        "hint": "ask for one",
        "output": "looking for it",
    }
    assert by_name["check_editor"]["verdict"] == "advice"
    assert by_name["check_answers"]["verdict"] == "not run"


def test_a_parameter_of_a_check_can_be_set(healthy: Neo) -> None:
    done = doctor(healthy, "--set", "check_disk_space.min_free_mb=999999999")
    assert done.returncode == 1
    assert any(line.startswith("✗ check_disk_space ") for line in lines(done))
