"""What is up to date is skipped: in later runs and processes, until something that it depends on changed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from groundup.dag import (
    InvalidStateError,
    Lazy,
    Params,
    Report,
    Runner,
    State,
    StateFailedError,
    StateGraph,
    Status,
    state,
)
from groundup.dag.annotations import UNKNOWN
from groundup.dag.arguments import Argument, Kind
from groundup.dag.output import Capture
from groundup.dag.state import AnyState
from groundup.dag.uptodate import Tracker
from tests.dag.graphs import adjacencies, ancestors

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran.clear()
    monkeypatch.chdir(tmp_path)


def run(
    *states: AnyState, target: str = "", force: tuple[str, ...] = (), params: Any = None, jobs: int = 2
) -> Report:
    """Reach the last of `states`, or `target`, as a process of its own would; note in `ran` what ran."""
    ran.clear()
    with (
        Tracker(Path.cwd(), Path.cwd() / ".groundup") as tracker,
        Runner(StateGraph(states), tracker=tracker, force=force, params=params, jobs=jobs) as runner,
    ):
        report = runner.reach(target or states[-1].name)
    report.raise_for_failure()
    return report


def status(report: Report, name: str) -> Status:
    return {outcome.state.name: outcome.status for outcome in report.outcomes}[name]


def reasons(report: Report, name: str) -> list[str]:
    outcomes = {outcome.state.name: outcome for outcome in report.outcomes}
    return [f"{reason.kind} {reason.name}" for reason in outcomes[name].reasons]


def texts(of: AnyState) -> list[str]:
    """Return the sentences for which a process of its own would evaluate `of`, which has no parents."""
    with Tracker(Path.cwd(), Path.cwd() / ".groundup") as tracker:
        return [reason.text for reason in tracker.judge(of, None, {}).reasons]


class Opaque:
    """A value that cannot be stored."""


class Login(BaseModel):
    password: SecretStr = SecretStr("")


class Shape(BaseModel):
    width: int = 1


@state(inputs=["in.txt"], outputs=["out.txt"])
def first_letter() -> str:
    ran.append("first_letter")
    text = Path("in.txt").read_text()
    Path("out.txt").write_text(text.upper())
    return text[:1]


@state(outputs=["row.txt"])
def row(first_letter: str, shape: Params[Shape]) -> str:
    ran.append("row")
    Path("row.txt").write_text(first_letter * shape.width)
    return first_letter * shape.width


@state(inputs=["in.txt"])
def opaque() -> Opaque:
    ran.append("opaque")
    return Opaque()


@state
def end(row: str) -> str:
    ran.append("end")
    return f"{row}."


CHAIN = (first_letter, row, end)


@pytest.fixture
def done() -> None:
    Path("in.txt").write_text("hello")
    assert run(*CHAIN).value("end") == "h."
    assert ran == ["first_letter", "row", "end"]


# -- what is skipped, and what it gives -----------------------------------------------------------------


def test_what_is_up_to_date_is_skipped_and_gives_its_stored_value(done: None) -> None:
    report = run(*CHAIN)
    assert ran == ["end"]
    assert report.value("end") == "h."
    assert [status(report, name) for name in ("first_letter", "row", "end")] == [
        Status.SKIPPED,
        Status.SKIPPED,
        Status.OK,
    ]


def test_a_changed_input_runs_it_and_an_unchanged_result_stops_the_wave(done: None) -> None:
    Path("in.txt").write_text("hello")
    assert run(*CHAIN) and ran == ["end"]
    Path("in.txt").write_text("hullo")
    Path("out.txt").write_text("HULLO")  # so that value and outputs come out as they are
    report = run(*CHAIN)
    assert ran[0] == "first_letter"
    assert reasons(report, "first_letter")[0] == "input in.txt"


@pytest.mark.parametrize("harm", ["removed", "altered"])
def test_an_output_that_is_not_as_it_was_made_runs_it_again(done: None, harm: str) -> None:
    Path("out.txt").unlink() if harm == "removed" else Path("out.txt").write_text("mine")
    report = run(*CHAIN)
    assert ran == ["first_letter", "end"]
    assert reasons(report, "first_letter") == ["output out.txt"]
    assert status(report, "first_letter") is Status.OK
    assert Path("out.txt").read_text() == "HELLO"


def test_a_changed_parameter_runs_it(done: None) -> None:
    report = run(*CHAIN, params={"row": {"width": 3}})
    assert ran == ["row", "end"]
    assert reasons(report, "row") == ["parameter width"]
    assert report.value("end") == "hhh."


def test_what_is_forced_runs(done: None) -> None:
    report = run(*CHAIN, force=("first_letter",))
    assert ran == ["first_letter", "end"]
    assert reasons(report, "first_letter") == ["forced first_letter"]


def test_a_value_that_could_not_be_kept_is_made_anew_only_when_it_is_wanted() -> None:
    @state(outputs=["seen.txt"])
    def seen(opaque: Opaque) -> None:
        ran.append("seen")
        Path("seen.txt").write_text(type(opaque).__name__)

    Path("in.txt").write_text("x")
    run(opaque, seen)
    assert run(opaque, seen) and ran == []
    Path("seen.txt").unlink()
    report = run(opaque, seen)
    assert ran == ["opaque", "seen"]
    assert reasons(report, "opaque") == ["value opaque"]


def test_a_state_that_failed_is_not_up_to_date() -> None:
    @state(outputs=["made.txt"])
    def fails_once() -> None:
        ran.append("fails_once")
        Path("made.txt").touch()
        if not Path("allowed").exists():
            raise ValueError

    for _ in range(2):  # also when it never was done
        with pytest.raises(Exception, match="fails_once"):
            run(fails_once)
        assert texts(fails_once) == ["the last evaluation failed"]
    Path("allowed").touch()
    run(fails_once)
    assert ran == ["fails_once"]
    assert texts(fails_once) == []


def test_a_state_that_did_not_make_its_outputs_failed() -> None:
    @state(outputs=["made.txt"])
    def forgets() -> None:
        pass

    with pytest.raises(StateFailedError, match=r"forgets \(.*\) failed: it did not make made\.txt$"):
        run(forgets)
    assert texts(forgets) == ["the last evaluation failed"]


# -- satisfied ------------------------------------------------------------------------------------------


def test_what_says_that_it_is_satisfied_is_not_run() -> None:
    @state
    def installed(name: str) -> None:
        ran.append("installed")
        Path(name).touch()

    @installed.satisfied
    def _(name: str) -> bool:
        return Path(name).exists()

    @state
    def name() -> str:
        return "tool"

    assert status(run(name, installed), "installed") is Status.CHANGED
    assert status(run(name, installed), "installed") is Status.SKIPPED
    Path("tool").unlink()
    report = run(name, installed)
    assert (ran, reasons(report, "installed")) == (["installed"], ["check installed"])


def test_a_check_may_be_a_coroutine() -> None:
    @state
    def installed() -> None:
        ran.append("installed")
        Path("tool").touch()

    @installed.satisfied
    async def _() -> bool:
        await asyncio.sleep(0)
        return Path("tool").exists()

    assert status(run(installed), "installed") is Status.CHANGED
    assert ran == ["installed"]
    assert status(run(installed), "installed") is Status.SKIPPED


def test_a_check_that_is_a_generator_is_refused() -> None:
    @state
    def installed() -> None: ...

    with pytest.raises(InvalidStateError, match=r"the check of installed at .*:\d+ is a generator"):

        @installed.satisfied  # type: ignore[type-var]
        def _() -> Iterator[bool]:
            yield True


def test_a_check_decides_beside_inputs_and_outputs_too() -> None:
    @state(inputs=["in.txt"], outputs=["copy.txt"])
    def copied() -> None:
        ran.append("copied")
        Path("copy.txt").write_text(Path("in.txt").read_text())
        Path("flag").touch()

    @copied.satisfied
    def _() -> bool:
        return Path("flag").exists()

    Path("in.txt").write_text("1")
    run(copied)
    assert run(copied) and ran == []
    Path("flag").unlink()
    assert reasons(run(copied), "copied") == ["check copied"]
    Path("in.txt").write_text("2")
    assert reasons(run(copied), "copied") == ["input in.txt"]


def test_what_a_check_writes_and_starts_belongs_to_its_state(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    @state
    def installed() -> None: ...

    @installed.satisfied
    def _() -> bool:
        print("looking")
        subprocess.run([sys.executable, "-I", "-c", "print('looking further')"], check=True)
        return True

    with (
        Tracker(tmp_path, tmp_path / ".groundup") as tracker,
        Capture(tmp_path / "runs") as capture,
        Runner(StateGraph([installed]), tracker=tracker, capture=capture) as runner,
    ):
        report = runner.reach("installed")
    assert status(report, "installed") is Status.SKIPPED
    assert report.log
    header, *written = report.log.read_text().split("\n")
    assert header.startswith("=== installed ")
    assert written[:2] == ["looking", "looking further"]
    assert capfd.readouterr() == ("", "")


def test_a_check_that_raises_is_a_failure_of_its_state() -> None:
    @state
    def installed() -> None:
        ran.append("installed")

    @installed.satisfied
    def _() -> bool:
        raise OSError("cannot look")

    with pytest.raises(StateFailedError, match=r"installed.*cannot look"):
        run(installed)
    assert ran == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that not even root can read")
def test_an_input_that_cannot_be_read_is_a_failure_of_its_state() -> None:
    @state(inputs=["/proc/self/mem"])
    def reads() -> None:
        ran.append("reads")

    with pytest.raises(StateFailedError, match=r"reads.*/proc/self/mem"):
        run(reads)
    assert ran == []


def test_who_needs_a_value_that_is_made_anew_is_not_run_when_that_fails() -> None:
    @state(inputs=["in.txt"])
    def once() -> Opaque:
        ran.append("once")
        if Path("seen.txt").exists():
            raise ValueError("only once")
        return Opaque()

    @state(outputs=["seen.txt"], inputs=["other.txt"])
    def user(once: Opaque) -> None:
        ran.append("user")
        Path("seen.txt").touch()

    Path("in.txt").write_text("1")
    run(once, user)
    Path("other.txt").write_text("1")
    with pytest.raises(StateFailedError, match=r"once.*only once"):
        run(once, user)
    assert ran == ["once"]


def test_a_changed_secret_runs_it_and_is_not_shown() -> None:
    @state(outputs=["made.txt"])
    def logged_in(login: Params[Login]) -> None:
        ran.append("logged_in")
        Path("made.txt").touch()

    assert run(logged_in, params={"logged_in": {"password": "hunter1"}}) and ran == ["logged_in"]
    assert run(logged_in, params={"logged_in": {"password": "hunter1"}}) and ran == []
    report = run(logged_in, params={"logged_in": {"password": "hunter2"}})
    assert ran == ["logged_in"]
    assert "hunter" not in "".join(str(reason) for reason in report.outcomes[-1].reasons)


def test_a_stand_in_without_text_counts_by_its_type() -> None:
    @state
    def top() -> int:
        return 1

    @state
    def mid(top: int) -> object:
        return top

    @state(inputs=["in.txt"])
    def leaf(mid: object) -> str:
        return type(mid).__name__

    with (
        Tracker(Path.cwd(), Path.cwd() / ".groundup") as tracker,
        Runner(StateGraph([top, mid, leaf]), tracker=tracker, overrides={"mid": object()}) as runner,
    ):
        assert runner.reach("leaf").value("leaf") == "object"


# -- lazy parents ---------------------------------------------------------------------------------------


def test_a_lazy_parent_counts_when_it_was_asked() -> None:
    @state(outputs=["chosen.txt"])
    def chosen(first_letter: Lazy[str], other: Lazy[str]) -> str:
        ran.append("chosen")
        Path("chosen.txt").write_text(first_letter.get())
        return first_letter.get()

    @state(inputs=["other.txt"])
    def other() -> str:
        ran.append("other")
        return Path("other.txt").read_text()

    states = (first_letter, other, chosen)
    Path("in.txt").write_text("a")
    Path("other.txt").write_text("b")
    run(*states)
    assert sorted(ran) == ["chosen", "first_letter"]
    assert run(*states) and ran == []
    Path("other.txt").write_text("c")
    assert run(*states) and ran == []
    Path("in.txt").write_text("z")
    report = run(*states)
    assert sorted(ran) == ["chosen", "first_letter"]
    assert reasons(report, "chosen") == ["parent first_letter"]


# -- random graphs --------------------------------------------------------------------------------------


def tracked(name: str, parents: list[str]) -> State[..., str]:
    """Return a state that copies its input and what its parents give into its output and value."""

    def function(**values: str) -> str:
        ran.append(name)
        text = Path(f"{name}.in").read_text() + "".join(values[parent] for parent in parents)
        Path(f"{name}.out").write_text(text)
        return text[-3:]

    function.__annotations__["return"] = str
    arguments = tuple(Argument(parent, Kind.VALUE, parent, UNKNOWN) for parent in parents)
    return State(name, function, arguments, inputs=(f"{name}.in",), outputs=(f"{name}.out",))


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield iter(tmp_path_factory.mktemp("graph") / str(number) for number in range(10**6))


@given(adjacencies(8), st.sampled_from([1, 3]), st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_runs_again_is_what_was_touched_and_what_that_changes(
    numbered: Iterator[Path],
    monkeypatch: pytest.MonkeyPatch,
    adjacency: dict[str, list[str]],
    jobs: int,
    data: st.DataObject,
) -> None:
    folder = next(numbered)
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in adjacency:
        Path(f"{name}.in").write_text(name)
    states = [tracked(name, parents) for name, parents in adjacency.items()]
    target = data.draw(st.sampled_from(sorted(adjacency)))
    needed = {target} | ancestors(adjacency, target)
    first = run(*states, target=target, jobs=jobs)
    assert sorted(ran) == sorted(needed)
    assert run(*states, target=target, jobs=jobs) and ran == []

    touched = data.draw(st.sets(st.sampled_from(sorted(adjacency))))
    for name in touched:
        Path(f"{name}.in").write_text(data.draw(st.sampled_from([name, f"{name}+"])))
    before = {outcome.state.name: outcome.value for outcome in first.outcomes}
    report = run(*states, target=target, jobs=jobs)
    for outcome in report.outcomes:
        name = outcome.state.name
        is_new = Path(f"{name}.in").read_text() != name
        changed = {each.state.name for each in report.outcomes if each.status is Status.CHANGED}
        assert (name in ran) == (is_new or bool(changed & set(adjacency[name])))
        assert (outcome.status is Status.SKIPPED) == (name not in ran)
        if outcome.status in (Status.SKIPPED, Status.OK):
            assert outcome.value == before[name]
