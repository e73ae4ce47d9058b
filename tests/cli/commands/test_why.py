"""`groundup why`: what makes a state not up to date, with old and new values, and through which parents."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.neo import Neo
from tests.support.repositories import write

STATES = '''
    from pathlib import Path

    from groundup import Config, state


    @state
    def work(config: Config) -> Path:
        """The folder of this test."""
        return config.root / "work"


    @state(inputs=["work/*.txt"], outputs=["work/all.out"])
    def joined(work: Path) -> str:
        """All texts are in one file."""
        text = "".join(path.read_text() for path in sorted(work.glob("*.txt")))
        (work / "all.out").write_text(text)
        return text


    @state(outputs=["work/page.out"])
    def page(joined: str, work: Path) -> None:
        """The page is made."""
        (work / "page.out").write_text(joined)


    @state(needs=["page"])
    def told() -> None:
        """It is told."""
'''


@pytest.fixture
def repo(client: Neo) -> Neo:
    """A repository in which all of the states above were reached."""
    write(client.repo, "groundup_states.py", STATES)
    (client.repo / "work/a.txt").write_text("a")
    client.run(client.module("reach", "told"), check=True)
    return client


def why(neo: Neo, *words: str) -> list[str]:
    """Return what it says, digests as `#`, times as `T`."""
    done = neo.run(neo.module("why", *words), check=True)
    assert done.stderr == ""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "T", done.stdout)
    return re.sub(r"\b[0-9a-f]{8}\b", "#", text).splitlines()


def test_what_is_up_to_date_is_said_to_be(repo: Neo) -> None:
    assert why(repo, "page") == [
        "page is up to date since T, unless one of joined, work gives something new",
    ]


ROOTED = '''
    from pathlib import Path

    from groundup import state


    @state(outputs=["page.out"])
    def page(repo_root: Path) -> None:
        """The page is made."""
        (repo_root / "page.out").write_text("page")
'''


def test_what_needs_only_what_is_known_is_up_to_date_without_more_ado(client: Neo) -> None:
    write(client.repo, "groundup_states.py", ROOTED)
    client.run(client.module("reach", "page"), check=True)
    assert why(client, "page") == ["page is up to date since T"]


def test_a_change_is_told_with_old_and_new_for_each_parent_that_leads_to_it(repo: Neo) -> None:
    (repo.repo / "work/a.txt").write_text("other")
    (repo.repo / "work/b.txt").write_text("new")
    assert why(repo, "page") == [
        "page is up to date since T, unless one of joined, work gives something new",
        "└─ joined is not up to date; it was done at T",
        "       input work/a.txt changed: # → #",
        "       input work/b.txt is new (#)",
    ]


def test_an_output_that_was_removed_is_a_reason(repo: Neo) -> None:
    (repo.repo / "work/page.out").unlink()
    assert why(repo, "page") == [
        "page is not up to date; it was done at T",
        "    output work/page.out is gone (was #)",
    ]


def test_other_code_is_a_reason_with_the_place_of_both(repo: Neo) -> None:
    file = write(repo.repo, "groundup_states.py", STATES.replace('"".join', '"-".join'))
    head, reason = why(repo, "joined")
    assert head == "joined is not up to date; it was done at T"
    assert re.fullmatch(rf"    source changed: # \({file}:\d+\) → # \({file}:\d+\)", reason)


def test_what_declares_nothing_is_evaluated_every_time(repo: Neo) -> None:
    (repo.repo / "work/page.out").unlink()
    assert why(repo, "told") == [
        "told is evaluated every time: it declares no inputs, no outputs, and no check",
        "└─ page is not up to date; it was done at T",
        "       output work/page.out is gone (was #)",
    ]


def test_it_evaluates_nothing(repo: Neo) -> None:
    (repo.repo / "work/page.out").unlink()
    why(repo, "page")
    assert not (repo.repo / "work/page.out").exists()


def test_it_is_data_for_machines(repo: Neo) -> None:
    (repo.repo / "work/a.txt").write_text("other")
    data = json.loads(repo.run(repo.module("why", "page", "--json"), check=True).stdout)
    assert data["since"] == pytest.approx((repo.repo / "work/page.out").stat().st_mtime, abs=60)
    assert (data["state"], data["would"], data["through"]) == ("page", "may run", ["joined", "work"])
    (cause,) = data["causes"]
    assert (cause["state"], cause["would"]) == ("joined", "runs")
    (reason,) = cause["reasons"]
    assert (reason["kind"], reason["name"]) == ("input", "work/a.txt")
    assert reason["old"] != reason["new"]


CHECKED = '''
    from pathlib import Path

    from groundup import state


    @state(inputs=["work/notes/*.md", "work/a.txt"])
    def names() -> set[Path]:
        """A value that is not kept, for its annotation does not fit."""
        return {"a"}


    @state
    def base() -> None:
        """It says itself whether it is there."""


    @base.satisfied
    def _() -> bool:
        return Path("work/base").exists()


    @state(needs=["base"])
    def schema(names: set[Path]) -> None:
        """It says itself whether it is right."""


    @schema.satisfied
    def _() -> bool:
        return Path("work/schema").exists()


    @state(outputs=["work/page.out"])
    def page(names: set[Path]) -> None:
        """The page is made."""
        Path("work/page.out").write_text("x")
'''
NOT_KEPT = "annotate what it returns with a type whose values can be written as JSON"


@pytest.fixture
def checked(client: Neo) -> Neo:
    """A repository in which all of the states above were reached."""
    write(client.repo, "groundup_states.py", CHECKED)
    (client.repo / "work/a.txt").write_text("a")
    assert why(client, "schema")[0] == "schema runs, unless its own check says that nothing is to be done"
    client.run(client.module("reach", "schema", "page"), check=True)
    return client


def test_what_decides_is_named_also_when_that_is_its_own_check(checked: Neo) -> None:
    assert why(checked, "base") == ["base is up to date since T, unless its own check says no"]
    assert why(checked, "schema")[:2] == [
        "schema is up to date since T, unless base gives something new or its own check says no",
        "└─ base is up to date since T, unless its own check says no",
    ]
    shown = reach_dry(checked, "schema")
    assert "may run     base  if its own check says no" in shown
    assert "may run     schema  if base gives something new or its own check says no" in shown


def reach_dry(neo: Neo, name: str) -> list[str]:
    return neo.run(neo.module("reach", "-n", name), check=True).stdout.splitlines()


def test_inputs_that_match_nothing_are_told(checked: Neo) -> None:
    assert why(checked, "names")[-1] == "    input work/notes/*.md matches nothing"
    data = json.loads(checked.run(checked.module("why", "names", "--json"), check=True).stdout)
    assert data["unmatched_inputs"] == ["work/notes/*.md"]


def test_a_value_that_is_not_kept_is_told_with_what_to_do(checked: Neo) -> None:
    lines = why(checked, "names")
    assert lines[:2] == [
        "names is up to date since T",
        f"    its value is not kept, so it runs whenever that is needed: {NOT_KEPT}",
    ]
    (checked.repo / "work/page.out").unlink()
    assert why(checked, "page")[2:5] == [
        "└─ names is not up to date; it was done at T",
        "       its value is needed and is not kept",
        f"       {NOT_KEPT}",
    ]


def test_an_unknown_state_is_told_with_the_nearest(repo: Neo) -> None:
    done = repo.run(repo.module("why", "pgae"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: there is no state named pgae\nhint: did you mean page?\n"
