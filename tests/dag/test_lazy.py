"""Lazy parents: evaluated once, when they are asked, and not at all when they are not."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag import (
    CycleError,
    Event,
    InvalidStateError,
    Lazy,
    LazyFailedError,
    Runner,
    StateGraph,
    Status,
    state,
)
from groundup.dag.annotations import UNKNOWN
from groundup.dag.arguments import Argument, Kind
from groundup.dag.output import Capture
from groundup.dag.state import State
from tests.dag.graphs import adjacencies, ancestors

JOBS = pytest.mark.parametrize("jobs", [1, 2, 8])
ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@state
def base() -> int:
    ran.append("base")
    return 1


@state
def costly(base: int) -> int:
    ran.append("costly")
    return base + 1


@state
def asks(costly: Lazy[int]) -> int:
    return costly.get() + costly.get()


@state
def asks_not(costly: Lazy[int]) -> int:
    return 0


@state
async def awaits(costly: Lazy[int]) -> int:
    return await costly + await costly


@JOBS
def test_it_is_evaluated_once_when_it_is_asked(jobs: int) -> None:
    with Runner(StateGraph([base, costly, asks]), jobs=jobs) as runner:
        report = runner.reach("asks")
    assert report.value("asks") == 4
    assert ran == ["base", "costly"]
    assert [outcome.state.name for outcome in report.outcomes] == ["base", "costly", "asks"]


def test_it_is_not_evaluated_when_nobody_asks() -> None:
    with Runner(StateGraph([base, costly, asks_not])) as runner:
        report = runner.reach("asks_not")
    assert report.ok
    assert ran == []


@JOBS
def test_a_coroutine_awaits_it(jobs: int) -> None:
    with Runner(StateGraph([base, costly, awaits]), jobs=jobs) as runner:
        assert runner.reach("awaits").value("awaits") == 4


def test_get_in_a_coroutine_is_an_error_that_says_what_to_write() -> None:
    @state
    async def gets(base: Lazy[int]) -> int:
        return base.get()

    with Runner(StateGraph([base, gets])) as runner:
        (failure,) = runner.reach("gets").failures
    assert isinstance(failure.error, InvalidStateError)
    assert "await" in failure.error.hint


@JOBS
def test_its_failure_is_the_failure_of_who_asks(jobs: int) -> None:
    @state
    def broken() -> int:
        raise ValueError("no")

    @state
    def through(broken: int) -> int:
        return broken

    @state
    def asker(through: Lazy[int]) -> int:
        return through.get()

    with Runner(StateGraph([broken, through, asker]), jobs=jobs) as runner:
        report = runner.reach("asker")
    assert {each.state.name: each.status for each in report.outcomes} == {
        "broken": Status.FAILED,
        "through": Status.NOT_RUN,
        "asker": Status.FAILED,
    }
    assert report.failures[0].state.name == "broken"


def test_who_asks_may_do_without() -> None:
    @state
    def broken() -> int:
        raise ValueError("no")

    @state
    def copes(broken: Lazy[int]) -> int:
        try:
            return broken.get()
        except LazyFailedError:
            return 7

    with Runner(StateGraph([broken, copes]), keep_going=True) as runner:
        outcomes = {each.state.name: each for each in runner.reach("copes").outcomes}
    assert outcomes["copes"].value == 7


def test_a_cycle_through_a_lazy_parent_is_a_cycle() -> None:
    @state
    def one(two: Lazy[int]) -> int:
        return two.get()

    @state
    def two(one: int) -> int:
        return one

    with pytest.raises(CycleError):
        StateGraph([one, two])


@given(adjacencies(), st.sampled_from([1, 2, 5]), st.data())
def test_exactly_what_is_asked_runs_once(
    adjacency: dict[str, list[str]], jobs: int, data: st.DataObject
) -> None:
    asked = {
        name: data.draw(st.lists(st.sampled_from(parents), unique=True)) if parents else []
        for name, parents in adjacency.items()
    }
    target, lock, began = data.draw(st.sampled_from(sorted(adjacency))), threading.Lock(), list[str]()

    def declared(name: str) -> State[..., None]:
        def function(**parents: Lazy[None]) -> None:
            with lock:
                began.append(name)
            for parent in asked[name]:
                parents[parent].get()

        arguments = tuple(Argument(parent, Kind.LAZY, parent, UNKNOWN) for parent in adjacency[name])
        return State(name, function, arguments)

    with Runner(StateGraph(map(declared, adjacency)), jobs=jobs) as runner:
        report = runner.reach(target)
    report.raise_for_failure()
    assert sorted(began) == sorted({target} | ancestors(asked, target))


def test_what_a_listener_writes_belongs_to_no_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def listen(event: Event) -> None:
        print(f"heard {type(event).__name__}")

    with Capture(tmp_path) as capture:
        graph = StateGraph([base, costly, asks])
        with Runner(graph, capture=capture, on_event=listen, jobs=1) as runner:
            runner.reach("asks").raise_for_failure()
        assert capture.log is None
    assert capsys.readouterr().out.count("heard") == 6


def test_it_is_asked_while_another_thread_imports_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncio", ModuleType("asyncio"))  # as it is at the beginning of that
    assert Lazy(lambda: 5).get() == 5


def test_what_a_lazy_parent_needs_is_evaluated_at_once() -> None:
    at_once = threading.Barrier(2, timeout=60)
    left, right = (state(at_once.wait, name=name) for name in ("left", "right"))

    @state
    def both(left: int, right: int) -> set[int]:
        return {left, right}

    @state
    def asks(both: Lazy[set[int]]) -> set[int]:
        return both.get()

    with Runner(StateGraph([left, right, both, asks]), jobs=2) as runner:
        assert runner.reach(asks).value("asks") == {0, 1}
