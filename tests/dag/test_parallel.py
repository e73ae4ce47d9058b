"""Several states at a time: as many as `jobs` says, never one before its parents, each once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag import AnyState, Runner, StateGraph, Status, state
from groundup.dag.scheduler import PATIENCE
from tests.dag.graphs import adjacencies, ancestors, graph_of, named

SECONDS = 20  # a deadline for what takes milliseconds


def meeting(parties: int) -> tuple[threading.Barrier, AnyState]:
    """Return a barrier that `parties` states must reach at the same time, and a state that ends at it."""
    barrier = threading.Barrier(parties)
    return barrier, state(lambda: barrier.wait(SECONDS), name="meet")


@given(adjacencies(), st.integers(1, 8), st.data())
def test_every_needed_state_runs_exactly_once_parents_first(
    adjacency: dict[str, list[str]], jobs: int, data: st.DataObject
) -> None:
    targets = data.draw(st.lists(st.sampled_from(sorted(adjacency)), min_size=1, unique=True))
    slow = data.draw(st.sets(st.sampled_from(sorted(adjacency))))
    lock, begun, ended = threading.Lock(), list[str](), list[str]()

    def does(name: str) -> None:
        with lock:
            assert set(adjacency[name]) <= set(ended)
            begun.append(name)
        time.sleep(2 * PATIENCE if name in slow else 0)
        with lock:
            ended.append(name)

    with Runner(graph_of(adjacency, does), jobs=jobs) as runner:
        assert runner.reach(*targets).ok
    needed = set(targets).union(*(ancestors(adjacency, target) for target in targets))
    assert Counter(begun) == dict.fromkeys(needed, 1)


@given(adjacencies(), st.integers(1, 8), st.data())
def test_failures_cut_exactly_the_descendants(
    adjacency: dict[str, list[str]], jobs: int, data: st.DataObject
) -> None:
    broken = data.draw(st.sets(st.sampled_from(sorted(adjacency)), min_size=1))

    def does(name: str) -> None:
        if name in broken:
            raise ValueError(name)

    with Runner(graph_of(adjacency, does), jobs=jobs, keep_going=True) as runner:
        report = runner.reach(*adjacency)
    for outcome in report.outcomes:
        name = outcome.state.name
        cut_by = ancestors(adjacency, name) & broken
        if cut_by:
            assert outcome.status is Status.NOT_RUN
            assert outcome.because in cut_by
        else:
            assert outcome.status is (Status.FAILED if name in broken else Status.OK)


def test_jobs_states_run_at_the_same_time() -> None:
    barrier = threading.Barrier(4)
    states = [named(f"s{number}", does=lambda: barrier.wait(SECONDS)) for number in range(4)]
    with Runner(StateGraph(states), jobs=4) as runner:
        assert runner.reach(*states).ok


def test_slow_states_run_at_the_same_time_also_after_many_quick_ones() -> None:
    barrier = threading.Barrier(4)
    quick = [named(f"q{number}") for number in range(500)]
    slow = [
        named(f"s{number}", *(each.name for each in quick), does=lambda **_: barrier.wait(SECONDS))
        for number in range(4)
    ]
    with Runner(StateGraph([*quick, *slow]), jobs=4) as runner:
        assert runner.reach(*slow).ok


def test_quick_states_go_on_while_a_slow_one_runs() -> None:
    over = threading.Event()
    slow = named("a", does=lambda: over.wait(SECONDS))
    quick = [named(f"q{number}") for number in range(500)]
    last = named("z", *(each.name for each in quick), does=lambda **_: over.set())
    with Runner(StateGraph([slow, *quick, last]), jobs=2) as runner:
        report = runner.reach(slow, last)
    assert {outcome.state.name: outcome.value for outcome in report.outcomes}["a"] is True


def test_never_more_than_jobs_states_run_at_the_same_time() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def does() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1

    states = [named(f"s{number}", does=does) for number in range(40)]
    with Runner(StateGraph(states), jobs=3) as runner:
        assert runner.reach(*states).ok
    assert most <= 3


def test_with_one_job_the_order_is_the_same_every_time_and_no_thread_begins() -> None:
    adjacency = {"z": [], "b": ["z"], "a": ["z"], "m": ["a", "b"], "k": []}
    orders, threads = set(), set()

    def does(name: str) -> None:
        order.append(name)
        threads.add(threading.current_thread())

    for _ in range(5):
        order: list[str] = []
        with Runner(graph_of(adjacency, does), jobs=1) as runner:
            runner.reach("m", "k")
        orders.add(tuple(order))
    assert orders == {("z", "a", "b", "m", "k")}
    assert threads == {threading.current_thread()}


def test_coroutines_share_a_loop_and_run_side_by_side() -> None:
    loops, here = [], asyncio.Event()

    @state
    async def first() -> None:
        loops.append(asyncio.get_running_loop())
        await asyncio.wait_for(here.wait(), SECONDS)

    @state
    async def second() -> None:
        loops.append(asyncio.get_running_loop())
        here.set()

    with Runner(StateGraph([first, second]), jobs=2) as runner:
        report = runner.reach(first, second)
        report.raise_for_failure()
    assert len(set(loops)) == 1


def test_after_a_failure_what_runs_ends_and_nothing_begins() -> None:
    failed, begun = threading.Event(), list[str]()

    def slow() -> str:
        failed.wait(SECONDS)
        return "done"

    def fail() -> None:
        failed.set()
        raise ValueError

    states = [
        named("slow", does=slow),
        named("bad", does=fail),
        named("late", "slow", does=lambda **_: begun.append("late")),
    ]
    with Runner(StateGraph(states), jobs=2) as runner:
        statuses = {each.state.name: each.status for each in runner.reach("late", "bad").outcomes}
    assert statuses == {"slow": Status.OK, "bad": Status.FAILED, "late": Status.NOT_RUN}
    assert begun == []


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_chain_of_ten_thousand_needs_no_recursion(jobs: int) -> None:
    graph = graph_of({f"s{number}": [f"s{number - 1}"] if number else [] for number in range(10_000)})
    with Runner(graph, jobs=jobs) as runner:
        assert runner.reach("s9999").ok
