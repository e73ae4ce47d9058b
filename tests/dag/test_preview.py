"""What a run would do: told without evaluating anything, and true when the run then comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.dag import Runner, StateGraph, Status, state
from groundup.dag.preview import Preview, Would
from groundup.dag.state import AnyState
from groundup.dag.uptodate import Tracker

ran: list[str] = []


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran.clear()
    monkeypatch.chdir(tmp_path)
    Path("in.txt").write_text("a")


def runner(*states: AnyState, force: tuple[str, ...] = (), known: dict[str, str] | None = None) -> Runner:
    tracker = Tracker(Path.cwd(), Path.cwd() / ".groundup")
    return Runner(StateGraph(states), tracker=tracker, force=force, overrides=known)


def foreseen(
    *states: AnyState, force: tuple[str, ...] = (), known: dict[str, str] | None = None
) -> dict[str, Preview]:
    """Return what reaching the last of `states` would do, by name; nothing must run for it."""
    before = list(ran)
    with runner(*states, force=force, known=known) as it:
        previews = it.preview(states[-1])
    assert ran == before
    return {preview.state.name: preview for preview in previews}


def would(
    *states: AnyState, force: tuple[str, ...] = (), known: dict[str, str] | None = None
) -> dict[str, Would]:
    return {name: preview.would for name, preview in foreseen(*states, force=force, known=known).items()}


def run(*states: AnyState) -> dict[str, Status]:
    with runner(*states) as it:
        return {outcome.state.name: outcome.status for outcome in it.reach(states[-1]).outcomes}


@state
def root() -> str:
    ran.append("root")
    return "r"


@state(inputs=["in.txt"], outputs=["out.txt"])
def made(root: str) -> str:
    ran.append("made")
    Path("out.txt").write_text(root)
    return root


@state(outputs=["last.txt"])
def last(made: str) -> None:
    ran.append("last")
    Path("last.txt").write_text(made)


STATES = (root, made, last)


def test_at_first_everything_runs() -> None:
    assert would(*STATES) == {"root": Would.ALWAYS, "made": Would.RUN, "last": Would.RUN}
    assert [reason.kind for reason in foreseen(*STATES)["made"].reasons] == ["first"]


def test_when_all_is_up_to_date_nothing_runs() -> None:
    run(*STATES)
    previews = foreseen(*STATES, known={"root": "r"})
    assert [each.would for each in previews.values()] == [Would.ALWAYS, Would.SKIP, Would.SKIP]
    assert not any(each.through for each in previews.values())
    assert run(*STATES) == {"root": Status.OK, "made": Status.SKIPPED, "last": Status.SKIPPED}


def test_what_is_evaluated_every_time_may_give_something_new() -> None:
    run(*STATES)
    previews = foreseen(*STATES)
    assert (previews["made"].would, previews["made"].through) == (Would.SKIP, ("root",))
    assert (previews["last"].would, previews["last"].through) == (Would.SKIP, ("made",))


def test_a_child_of_what_is_known_to_be_another_runs() -> None:
    run(*STATES)
    previews = foreseen(*STATES, known={"root": "s"})
    assert previews["made"].would is Would.RUN
    assert [reason.text for reason in previews["made"].reasons] == ["parent root changed: 'r' → 's'"]


def test_a_child_of_what_runs_may_run() -> None:
    run(*STATES)
    Path("in.txt").write_text("b")
    previews = foreseen(*STATES)
    assert str(previews["made"].reasons[0]).startswith("input in.txt changed")
    assert (previews["last"].would, previews["last"].through) == (Would.MAY_RUN, ("made",))


def test_what_is_forced_runs() -> None:
    run(*STATES)
    assert would(*STATES, force=("last",))["last"] is Would.RUN


def test_a_check_is_not_called() -> None:
    @state
    def installed() -> None:
        ran.append("installed")

    @installed.satisfied
    def _() -> bool:
        ran.append("check")
        return True

    assert would(installed) == {"installed": Would.MAY_RUN}


class Opaque:
    """A value that cannot be kept."""


@state(inputs=["in.txt"])
def opaque() -> Opaque:
    ran.append("opaque")
    return Opaque()


@state(inputs=["in.txt"])
def wrapped(opaque: Opaque) -> Opaque:
    ran.append("wrapped")
    return opaque


@state(outputs=["seen.txt"])
def seen(wrapped: Opaque) -> None:
    ran.append("seen")
    Path("seen.txt").write_text(type(wrapped).__name__)


def test_what_lacks_a_value_runs_when_one_that_runs_wants_it() -> None:
    states = (opaque, wrapped, seen)
    run(*states)
    previews = foreseen(*states)
    assert {name: each.would for name, each in previews.items()} == dict.fromkeys(previews, Would.SKIP)
    assert [each.lacks_value for each in previews.values()] == [True, True, False]
    Path("seen.txt").unlink()
    previews = foreseen(*states)
    assert {name: each.would for name, each in previews.items()} == dict.fromkeys(previews, Would.RUN)
    assert [reason.kind for reason in previews["opaque"].reasons] == ["value"]
    ran.clear()
    run(*states)
    assert ran == ["opaque", "wrapped", "seen"]


def test_a_check_may_be_what_wants_the_value() -> None:
    @state
    def installed(opaque: Opaque) -> None:
        ran.append("installed")

    @installed.satisfied
    def _(opaque: Opaque) -> bool:
        ran.append("check")
        return True

    run(opaque, installed)
    assert would(opaque, installed) == {"opaque": Would.RUN, "installed": Would.MAY_RUN}
    ran.clear()
    run(opaque, installed)
    assert ran == ["opaque", "check"]


def test_without_a_tracker_everything_is_evaluated_every_time() -> None:
    with Runner(StateGraph(STATES)) as it:
        assert {preview.would for preview in it.preview("last")} == {Would.ALWAYS}
