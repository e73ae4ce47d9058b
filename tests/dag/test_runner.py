"""The runner: each needed state once, values to children, failures to what depends on them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag import (
    AnyState,
    DagError,
    Event,
    Finished,
    Report,
    Runner,
    StateFailedError,
    StateGraph,
    Status,
    UnknownStateError,
    state,
)
from groundup.errors import GroundupError, UserError
from tests.dag.graphs import adjacencies, ancestors, graph_of, named


def run(*states: AnyState, target: str | None = None, keep_going: bool = False) -> Report:
    with Runner(StateGraph(states), keep_going=keep_going) as runner:
        return runner.reach(target or states[-1])


def statuses(report: Report) -> dict[str, Status]:
    return {outcome.state.name: outcome.status for outcome in report.outcomes}


def fail(**_: object) -> None:
    raise ValueError("broken")


def test_children_get_the_values_of_their_parents() -> None:
    @state
    def number() -> int:
        return 20

    @state
    def doubled(number: int) -> int:
        return 2 * number

    report = run(number, doubled)
    assert report.ok
    assert report.value("doubled") == 40


def test_a_need_is_reached_but_not_passed() -> None:
    seen: list[str] = []
    first = state(lambda: seen.append("first"), name="first")
    second = state(lambda: seen.append("second"), name="second", needs=["first"])
    run(first, second)
    assert seen == ["first", "second"]


@given(adjacencies(), st.data())
def test_every_needed_state_runs_exactly_once_parents_first(
    adjacency: dict[str, list[str]], data: st.DataObject
) -> None:
    targets = data.draw(st.lists(st.sampled_from(sorted(adjacency)), min_size=1, unique=True))
    ran: list[str] = []
    with Runner(graph_of(adjacency, does=ran.append)) as runner:
        runner.reach(*targets)
    needed = set(targets).union(*(ancestors(adjacency, target) for target in targets))
    assert Counter(ran) == dict.fromkeys(needed, 1)
    assert all(ran.index(parent) < ran.index(name) for name in ran for parent in adjacency[name])


@given(adjacencies(), st.data())
def test_a_failure_stops_exactly_its_descendants_when_told_to_keep_going(
    adjacency: dict[str, list[str]], data: st.DataObject
) -> None:
    broken = data.draw(st.sampled_from(sorted(adjacency)))
    graph = graph_of(adjacency, does=lambda name: fail() if name == broken else None)
    with Runner(graph, keep_going=True) as runner:
        report = runner.reach(*adjacency)
    for outcome in report.outcomes:
        name = outcome.state.name
        if name == broken:
            assert outcome.status is Status.FAILED
        elif broken in ancestors(adjacency, name):
            assert (outcome.status, outcome.because) == (Status.NOT_RUN, broken)
        else:
            assert outcome.status is Status.OK


def test_a_failure_stops_everything_by_default() -> None:
    broken, apart, end = named("broken", does=fail), named("apart"), named("end", "broken", "apart")
    assert statuses(run(broken, apart, end)) == {
        "broken": Status.FAILED,
        "apart": Status.NOT_RUN,
        "end": Status.NOT_RUN,
    }


def test_a_chain_of_ten_thousand_needs_no_recursion() -> None:
    graph = graph_of({f"s{number}": [f"s{number - 1}"] if number else [] for number in range(10_000)})
    with Runner(graph) as runner:
        assert runner.reach("s9999").ok


def test_a_second_reach_does_not_repeat_the_first() -> None:
    ran: list[str] = []
    graph = graph_of({"a": [], "b": ["a"], "c": ["a"]}, does=ran.append)
    with Runner(graph) as runner:
        runner.reach("b")
        report = runner.reach("c")
    assert ran == ["a", "b", "c"]
    assert [outcome.state.name for outcome in report.outcomes] == ["a", "c"]


def test_a_failure_does_not_stop_a_later_reach_of_something_else() -> None:
    with Runner(StateGraph([named("broken", does=fail), named("apart")])) as runner:
        assert not runner.reach("broken").ok
        assert runner.reach("apart").ok


def test_overrides_stand_in_for_states_and_for_what_only_they_need() -> None:
    graph = StateGraph([named("a", does=fail), named("b", "a"), named("c", "b", does=lambda b: b + 1)])
    with Runner(graph, overrides={"b": 41}) as runner:
        assert runner.reach("c").value("c") == 42


def test_an_override_of_nothing_is_an_error() -> None:
    with pytest.raises(UnknownStateError, match="no state named x"):
        Runner(StateGraph([named("a")]), overrides={"x": 1})


def test_events_tell_starts_and_ends_in_order() -> None:
    events: list[Event] = []
    graph = StateGraph([named("a"), named("b", "a", does=fail), named("c", "b")])
    with Runner(graph, on_event=events.append) as runner:
        runner.reach("c")
    told = [
        (event.outcome.status.value, event.outcome.state.name)
        if isinstance(event, Finished)
        else (type(event).__name__.lower(), event.state.name)
        for event in events
    ]
    assert told == [("started", "a"), ("ok", "a"), ("started", "b"), ("failed", "b"), ("not run", "c")]
    assert all(event.outcome.seconds >= 0 for event in events if isinstance(event, Finished))


def test_a_coroutine_function_is_run_to_its_end() -> None:
    @state
    async def answer() -> int:
        return 42

    assert run(answer).value("answer") == 42


def test_a_generator_gives_its_value_and_ends_when_the_runner_closes() -> None:
    log: list[str] = []

    @state
    def server() -> Iterator[str]:
        log.append("up")
        yield "address"
        log.append("down")

    @state
    def client(server: str) -> str:
        log.append(f"using {server}")
        return server

    with Runner(StateGraph([server, client])) as runner:
        assert runner.reach("client").value("client") == "address"
        assert log == ["up", "using address"]
    assert log == ["up", "using address", "down"]


def test_generators_end_in_reverse_order_after_a_failure_too() -> None:
    log: list[str] = []

    @state
    def outer() -> Iterator[None]:
        yield
        log.append("outer down")

    @state(needs=["outer"])
    def inner() -> Iterator[None]:
        yield
        log.append("inner down")

    assert not run(outer, inner, named("broken", "inner", does=fail)).ok
    assert log == ["inner down", "outer down"]


def test_an_interrupt_passes_through_and_ends_generators() -> None:
    log: list[str] = []

    @state
    def server() -> Iterator[None]:
        yield
        log.append("down")

    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        Runner(StateGraph([server, named("x", "server", does=interrupt)])) as r,
    ):
        r.reach("x")
    assert log == ["down"]


def test_a_failed_report_raises_the_first_failure_with_state_source_and_cause() -> None:
    report = run(named("a"), named("broken", "a", does=fail))
    with pytest.raises(StateFailedError) as caught:
        report.value("a")
    assert str(caught.value) == "state broken (states.py:1) failed: ValueError: broken"
    assert caught.value.state.name == "broken"
    assert isinstance(caught.value.__cause__, ValueError)
    assert [outcome.state.name for outcome in report.failures] == ["broken"]


def test_a_value_that_was_not_planned_is_an_error() -> None:
    with pytest.raises(UnknownStateError, match="no state named b"):
        run(named("b"), named("a")).value("b")


def _command(code: int) -> None:
    subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.exit({code})"], check=True)


def _signalled(**_: object) -> None:
    subprocess.run([sys.executable, "-I", "-c", "import os; os.kill(os.getpid(), 9)"], check=True)


def _raiser(error: BaseException) -> Callable[..., None]:
    def raise_it(**_: object) -> None:
        raise error

    return raise_it


@pytest.mark.parametrize(
    ("does", "code"),
    [
        (_raiser(ValueError("x")), 1),
        (lambda **_: _command(7), 7),
        (_signalled, 137),
        (_raiser(GroundupError("x")), 1),
        (_raiser(UserError("x")), 2),
        (_raiser(GroundupError("x", exit_code=42)), 42),
        (lambda **_: sys.exit(5), 5),
        (lambda **_: sys.exit(0), 1),
        (lambda **_: sys.exit("why"), 1),
    ],
)
def test_the_exit_code_of_the_cause_is_passed_on(does: Callable[..., None], code: int) -> None:
    report = run(named("broken", does=does))
    with pytest.raises(StateFailedError) as caught:
        report.raise_for_failure()
    assert caught.value.exit_code == code


@pytest.mark.parametrize(
    ("does", "ending"), [(lambda **_: _command(7), "exited with 7"), (_signalled, "was ended by SIGKILL")]
)
def test_a_command_that_failed_is_told_as_it_would_be_typed(does: Callable[..., None], ending: str) -> None:
    with pytest.raises(StateFailedError) as caught:
        run(named("broken", does=does)).raise_for_failure()
    told = str(caught.value)
    assert told.startswith(f"state broken (states.py:1) failed: {sys.executable} -I -c 'import ")
    assert told.endswith(ending)


def test_message_and_hint_of_our_own_errors_are_passed_on() -> None:
    report = run(named("broken", does=_raiser(UserError("no such file", hint="make one"))))
    with pytest.raises(StateFailedError, match="failed: no such file") as caught:
        report.raise_for_failure()
    assert caught.value.hint == "make one"


@pytest.mark.parametrize("jobs", [0, -3])
def test_no_jobs_are_an_error(jobs: int) -> None:
    with pytest.raises(DagError, match=f"jobs is {jobs}"):
        Runner(StateGraph([]), jobs=jobs)


@pytest.mark.parametrize("kind", [asyncio.CancelledError, GeneratorExit])
def test_what_is_raised_and_is_no_exception_is_a_failure(kind: type[BaseException]) -> None:
    @state
    def cut_off() -> None:
        raise kind("enough")

    with Runner(StateGraph([cut_off])) as runner:
        (failure,) = runner.reach("cut_off").failures
    assert type(failure.error) is kind
