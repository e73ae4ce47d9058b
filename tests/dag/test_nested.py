"""A run inside of a state: it works, and what it writes and starts belongs to that state."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag import AnyState, Event, Lazy, Retries, Runner, StateGraph, StateTimeoutError, state
from groundup.dag.output import Capture
from groundup.dag.uptodate import Tracker
from tests.dag.graphs import Adjacency, adjacencies, ancestors, graph_of
from tests.support.background import Background, alive, until
from tests.support.neo import CHECKOUT

PYTHON = [sys.executable, "-I", "-c"]


@given(adjacencies(), adjacencies(), st.sampled_from([1, 2, 5]), st.sampled_from([1, 2, 5]))
def test_each_state_of_each_run_is_evaluated_once(
    outer: Adjacency, inner: Adjacency, outer_jobs: int, inner_jobs: int
) -> None:
    lock, ran = threading.Lock(), list[tuple[str, str]]()

    def does(name: str) -> None:
        def note(inside: str) -> None:
            with lock:
                ran.append((name, inside))

        with Runner(graph_of(inner, note), jobs=inner_jobs) as runner:
            runner.reach(*inner).raise_for_failure()

    target = next(iter(outer))
    with Runner(graph_of(outer, does), jobs=outer_jobs) as runner:
        runner.reach(target).raise_for_failure()
    assert sorted(ran) == sorted(
        (name, each) for name in {target} | ancestors(outer, target) for each in inner
    )


def test_a_coroutine_and_a_lazy_parent_may_be_where_it_runs() -> None:
    @state
    async def number() -> int:
        await asyncio.sleep(0)
        return 20

    def inside() -> int:
        with Runner(StateGraph([number])) as runner:
            value: int = runner.reach(number).value("number")
            return value

    @state
    async def awaited() -> int:
        return await asyncio.to_thread(inside)

    @state
    def asks(awaited: Lazy[int]) -> int:
        return awaited.get() + inside()

    with Runner(StateGraph([awaited, asks])) as runner:
        assert runner.reach(asks).value("asks") == 40


ran: list[str] = []


@state(outputs=["inner.txt"])
def inner() -> None:
    ran.append("inner")
    Path("inner.txt").touch()


@state(outputs=["outer.txt"])
def outer() -> None:
    ran.append("outer")
    remembered(inner)
    Path("outer.txt").touch()


def remembered(target: AnyState) -> None:
    with (
        Tracker(Path.cwd(), Path.cwd() / "states") as tracker,
        Runner(StateGraph([target]), tracker=tracker) as runner,
    ):
        runner.reach(target).raise_for_failure()


def test_both_may_remember_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran.clear()
    remembered(outer)
    remembered(outer)
    Path("outer.txt").unlink()
    remembered(outer)
    assert ran == ["outer", "inner", "outer"]


def test_what_inner_states_and_their_listener_write_is_the_outer_states(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    barrier = threading.Barrier(3)

    def write(name: str) -> None:
        if name == "end":
            return
        barrier.wait(60)  # each in a thread of its own
        print(f"printed by {name}")
        subprocess.run([*PYTHON, f"print('started by {name}')"], check=True)

    def listen(event: Event) -> None:
        print("heard", type(event).__name__)

    @state
    def outer() -> None:
        graph = graph_of({"a": [], "b": [], "c": [], "end": ["a", "b", "c"]}, write)
        with Runner(graph, jobs=3, on_event=listen) as runner:
            runner.reach("end").raise_for_failure()

    with Capture(tmp_path) as capture, Runner(StateGraph([outer]), capture=capture) as runner:
        report = runner.reach(outer)
        report.raise_for_failure()
    assert report.log
    log = report.log.read_text()  # lines that are printed at once may stand in one
    for name in "abc":
        assert f"printed by {name}" in log
        assert f"started by {name}" in log
    assert log.count("heard Finished") == 4
    assert capfd.readouterr() == ("", "")


def test_an_inner_run_may_capture_for_itself(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    @state
    def inner() -> None:
        print("inner words")

    @state
    def outer() -> str:
        print("before")
        with Capture(tmp_path / "inner") as capture, Runner(StateGraph([inner]), capture=capture) as runner:
            log = runner.reach(inner).log
        print("after")
        return log.read_text() if log else ""

    with Capture(tmp_path / "outer") as capture, Runner(StateGraph([outer]), capture=capture) as runner:
        report = runner.reach(outer)
    assert "inner words" in report.value("outer")
    assert report.log
    assert report.log.read_text().splitlines()[1:3] == ["before", "after"]
    assert capfd.readouterr() == ("", "")


SLEEPER = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
INNER = f"""
import subprocess, sys
from groundup.dag import Runner, StateGraph, state

def sleeping(name):
    def sleeps():
        subprocess.run([sys.executable, "-I", "-c", {SLEEPER!r}, name], check=True)
    return state(sleeps, name=name)

def nested(name, timeout=None):
    def runs():
        inner = [sleeping(f"{{name}}{{number}}") for number in range(2)]
        with Runner(StateGraph(inner), jobs=2, keep_going=True) as runner:
            runner.reach(*inner).raise_for_failure()
    return state(runs, name=name, timeout=timeout)
"""
INTERRUPTED = f"""
{INNER}
import os
states = [nested("left"), nested("right")]
try:
    with Runner(StateGraph(states), jobs=2) as runner:
        runner.reach(*states)
except KeyboardInterrupt:
    os._exit(130)
"""


def pid_in(file: Path) -> int:
    until(lambda: file.is_file() and file.read_text(), f"a process id in {file}")
    return int(file.read_text())


def test_an_interrupt_ends_what_inner_states_started(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src")}
    with Background([sys.executable, "-c", INTERRUPTED], env=env, cwd=tmp_path) as process:
        pids = [pid_in(tmp_path / f"{name}{number}") for name in ("left", "right") for number in range(2)]
        process.send(signal.SIGINT)
        assert process.wait() == 130, process.stderr
        assert [pid for pid in pids if alive(pid)] == []


def test_a_time_limit_ends_what_inner_states_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(INNER, names)  # noqa: S102 - the states of the program above
    limited = names["nested"]("limited", timeout=2.0)  # type: ignore[operator]
    with Runner(StateGraph([limited])) as runner:
        report = runner.reach("limited")
        assert isinstance(report.failures[0].error, StateTimeoutError)
        assert [name for name in ("limited0", "limited1") if alive(pid_in(tmp_path / name))] == []


def test_a_failure_of_an_inner_run_may_be_tried_again() -> None:
    attempts: list[int] = []

    @state
    def inner() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise OSError("the line is busy")

    @state(retries=Retries(2, delay=0))
    def outer() -> None:
        with Runner(StateGraph([inner])) as runner:
            runner.reach(inner).raise_for_failure()

    with Runner(StateGraph([outer])) as runner:
        runner.reach(outer).raise_for_failure()
    assert len(attempts) == 3
