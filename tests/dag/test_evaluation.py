"""One evaluation: tried again after a failure, ended when it takes too long."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag import (
    AnyState,
    Event,
    InvalidStateError,
    Outcome,
    Retries,
    Retrying,
    Runner,
    StateFailedError,
    StateGraph,
    StateTimeoutError,
    Status,
    state,
)
from groundup.dag.evaluation import delay_before
from groundup.errors import UserError

SOON = Retries(2, delay=0.001)


def keep_busy() -> None:
    while True:
        time.sleep(0.001)


def outcome_of(declared: AnyState, events: list[Event] | None = None) -> Outcome:
    told = events if events is not None else []
    with Runner(StateGraph([declared]), on_event=told.append) as runner:
        (outcome,) = runner.reach(declared).outcomes
    return outcome


# -- retries ---------------------------------------------------------------------------------------------


def test_it_is_tried_again_until_it_works() -> None:
    attempts: list[int] = []

    @state(retries=SOON)
    def flaky() -> str:
        attempts.append(1)
        if len(attempts) < 3:
            raise OSError("not yet")
        return "done"

    events: list[Event] = []
    outcome = outcome_of(flaky, events)
    assert (outcome.status, outcome.value, outcome.attempts) == (Status.OK, "done", 3)
    retries = [event for event in events if isinstance(event, Retrying)]
    assert [(event.attempt, str(event.error)) for event in retries] == [(1, "not yet"), (2, "not yet")]


def test_the_last_failure_counts_when_nothing_helps() -> None:
    attempts: list[int] = []

    @state(retries=SOON)
    async def broken() -> None:
        attempts.append(1)
        raise OSError(f"attempt {len(attempts)}")

    outcome = outcome_of(broken)
    assert (outcome.status, str(outcome.error), outcome.attempts) == (Status.FAILED, "attempt 3", 3)


def test_wrong_input_is_not_tried_again() -> None:
    attempts: list[int] = []

    @state(retries=5)
    def refused() -> None:
        attempts.append(1)
        raise UserError("no such thing")

    assert outcome_of(refused).status is Status.FAILED
    assert len(attempts) == 1


@given(
    st.builds(Retries, st.just(9), st.floats(0, 10), st.floats(0, 5), st.floats(0, 100)), st.integers(1, 30)
)
def test_the_delay_stays_under_its_bounds(retries: Retries, attempt: int) -> None:
    most = min(retries.delay * retries.factor ** (attempt - 1), retries.longest)
    assert 0 <= delay_before(retries, attempt) <= most


@pytest.mark.parametrize("wrong", [{"retries": -1}, {"retries": Retries(1, delay=-1)}, {"timeout": 0}])
def test_numbers_below_their_bounds_are_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidStateError, match=r"test_evaluation\.py:\d+"):
        state(lambda: None, name="x", **wrong)  # type: ignore[call-overload]


# -- time limits -----------------------------------------------------------------------------------------


def test_what_takes_too_long_fails_and_is_ended() -> None:
    ended = threading.Event()

    @state(timeout=0.05)
    def endless() -> None:
        try:
            keep_busy()
        finally:
            ended.set()

    outcome = outcome_of(endless)
    assert isinstance(outcome.error, StateTimeoutError)
    assert outcome.error.exit_code == 124
    assert ended.wait(20)


def test_a_coroutine_that_takes_too_long_is_cancelled() -> None:
    cancelled = threading.Event()

    @state(timeout=0.05)
    async def endless() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    assert isinstance(outcome_of(endless).error, StateTimeoutError)
    assert cancelled.wait(20)


def test_a_timeout_of_its_own_is_no_timeout_of_the_state() -> None:
    @state(timeout=60)
    async def own() -> None:
        raise TimeoutError("my own")

    error = outcome_of(own).error
    assert isinstance(error, TimeoutError)
    assert str(error) == "my own"


def test_what_is_in_time_gives_its_value_and_its_error() -> None:
    @state(timeout=60)
    def five() -> int:
        return 5

    @state(timeout=60)
    def failing() -> int:
        return 1 // 0

    assert outcome_of(five).value == 5
    assert isinstance(outcome_of(failing).error, ZeroDivisionError)


def test_each_attempt_has_the_whole_time() -> None:
    attempts: list[float] = []

    @state(timeout=0.1, retries=Retries(1, delay=0))
    def slow() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            keep_busy()
        return "second"

    assert outcome_of(slow).value == "second"


def test_a_generator_has_the_time_for_what_comes_before_its_value() -> None:
    @state(timeout=0.05)
    def server() -> Iterator[str]:
        keep_busy()
        yield "address"

    assert isinstance(outcome_of(server).error, StateTimeoutError)


# -- kinds of functions ------------------------------------------------------------------------------------


class Called:
    async def __call__(self) -> int:
        return 5


async def inner() -> int:
    return 5


@functools.wraps(inner)
def giving_a_coroutine() -> object:
    return inner()


@functools.wraps(inner)
def running_a_coroutine() -> int:
    return asyncio.run(inner())


def counting() -> Iterator[int]:
    yield 5


@functools.wraps(counting)
def exhausting() -> list[int]:
    return list(counting())


@pytest.mark.parametrize(
    ("function", "value"),
    [(Called(), 5), (giving_a_coroutine, 5), (running_a_coroutine, 5), (counting, 5), (exhausting, [5])],
    ids=["an object", "giving a coroutine", "running a coroutine", "a generator", "exhausting a generator"],
)
@pytest.mark.parametrize("timeout", [None, 60])
def test_what_counts_is_what_is_called_and_not_what_it_wraps(
    function: Callable[[], object], value: object, timeout: float | None
) -> None:
    assert outcome_of(state(function, name="it", timeout=timeout)).value == value


# -- the end of generators -----------------------------------------------------------------------------------


def test_the_end_of_a_generator_that_fails_is_told_with_its_state() -> None:
    ended: list[str] = []

    @state
    def first() -> Iterator[int]:
        yield 1
        ended.append("first")

    @state
    def second(first: int) -> Iterator[int]:
        yield first
        raise ValueError("at the end")

    runner = Runner(StateGraph([first, second]))
    report = runner.reach(second)
    assert report.ok
    with pytest.raises(StateFailedError, match=r"state second \(.*test_evaluation.py:.*at the end"):
        runner.close()
    assert ended == ["first"]
    assert [outcome.state.name for outcome in report.failures] == ["second"]


def test_a_generator_that_yields_twice_is_told_with_its_state() -> None:
    @state
    def twice() -> Iterator[int]:
        yield 1
        yield 2

    with pytest.raises(StateFailedError, match="state twice"), Runner(StateGraph([twice])) as runner:
        runner.reach(twice)
