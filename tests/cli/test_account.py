"""The account of a run: its failures with all that helps, what took long, and how many ended how."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from groundup.cli.account import (
    critical_lines,
    exit_code,
    failure_lines,
    names_text,
    summary_line,
    write_account,
)
from groundup.cli.tree import Step
from groundup.dag import Outcome, Report, Runner, StateGraph, Status, state
from groundup.errors import GroundupError
from tests.dag.graphs import named


def report_of(*outcomes: Outcome, log: Path | None = None) -> Report:
    return Report((outcomes[-1].state.name,), outcomes, 1.0, log)


def ended(name: str, *parents: str, status: Status = Status.OK, **outcome: Any) -> Outcome:
    return Outcome(named(name, *parents), status, **outcome)


def plain(text: str, _colour: str) -> str:
    return text


def failures(report: Report) -> list[str]:
    return list(failure_lines(report, plain))


def test_a_failure_has_its_place_its_error_its_hint_and_its_output() -> None:
    error = GroundupError("the disk is full", hint="free some space")
    failed = ended("a", status=Status.FAILED, error=error, output="one\ntwo\n")
    assert failures(report_of(failed, log=Path("/logs/x.log"))) == [
        "✗ a  states.py:1",
        "  the disk is full",
        "  hint: free some space",
        "  the end of its output, which is in /logs/x.log:",
        "  │ one",
        "  │ two",
    ]


def test_an_error_that_nobody_expected_has_the_line_where_it_arose_and_the_log_of_it() -> None:
    def broken() -> None:
        raise KeyError("boom")

    with Runner(StateGraph([state(broken)])) as runner:
        report = runner.reach("broken")
    line = broken.__code__.co_firstlineno
    assert list(failure_lines(report, plain, "it is in x.log")) == [
        f"✗ broken  {__file__}:{line}",
        "  KeyError: 'boom'",
        f"  at {__file__}:{line + 1}",
        "  hint: it is in x.log",
    ]


def test_the_first_failure_gives_the_exit_code() -> None:
    first = ended("a", status=Status.FAILED, error=GroundupError("x", exit_code=9))
    second = ended("b", status=Status.FAILED, error=ValueError("y"))
    assert exit_code(report_of(ended("ok"), first, second)) == 9
    assert exit_code(report_of(ended("ok"))) == 0


def test_what_was_not_run_because_of_a_failure_stands_with_that_failure() -> None:
    report = report_of(
        ended("a", status=Status.FAILED, error=ValueError("x")),
        ended("b", status=Status.FAILED, error=ValueError("y"), began=1.0),
        *(ended(f"a{n}", "a", status=Status.NOT_RUN, because="a") for n in range(12)),
        ended("b0", "b", status=Status.NOT_RUN, because="b"),
    )
    assert failures(report) == [
        "✗ a  states.py:1",
        "  ValueError: x",
        "  not run because of it: a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, 2 more",
        "✗ b  states.py:1",
        "  ValueError: y",
        "  not run because of it: b0",
    ]


def test_ten_names_need_no_count() -> None:
    assert names_text([str(number) for number in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"


def test_the_summary_counts_each_way_to_end() -> None:
    report = report_of(
        ended("a"),
        ended("b", status=Status.CHANGED),
        ended("c", status=Status.SKIPPED),
        ended("d", status=Status.SKIPPED),
        ended("e", status=Status.FAILED, error=ValueError()),
        ended("f", status=Status.NOT_RUN, because="e"),
    )
    assert summary_line(report) == "ok 1 · changed 1 · skipped 2 · failed 1 · not run 1"


def test_the_critical_path_of_a_slow_run_names_what_counts() -> None:
    report = report_of(
        ended("quick", seconds=0.001),
        ended("build", "quick", seconds=2.0),
        ended("aside", seconds=1.9),
        ended("test", "build", "aside", seconds=1.5),
    )
    assert list(critical_lines(report)) == ["critical path 3.50 s: build 2.00 s → test 1.50 s"]


def test_a_quick_run_has_none() -> None:
    assert list(critical_lines(report_of(ended("a", seconds=0.2), ended("b", "a", seconds=0.2)))) == []


def test_of_a_long_critical_path_the_longest_are_named_in_their_order() -> None:
    chain = [ended(f"s{n}", *([f"s{n - 1}"] if n else []), seconds=float(n + 1)) for n in range(30)]
    (line,) = critical_lines(report_of(*chain))
    assert line.startswith("critical path 7 m 45 s: s24 25.00 s → s25 26.00 s")
    assert line.count("→") == 5


def account(report: Report, steps: dict[str, Step]) -> list[str]:
    stream = io.StringIO()
    write_account(report, steps, stream)
    return stream.getvalue().splitlines()


def test_the_last_line_says_whether_it_succeeded() -> None:
    with Runner(StateGraph([named("a"), named("b", "a")])) as runner:
        report = runner.reach("b")
    lines = account(report, {})
    assert [line.split("  ")[0] for line in lines[:2]] == ["✓ a", "└─ ✓ b"]
    assert lines[2] == "ok 2 · changed 0 · skipped 0 · failed 0 · not run 0"
    assert lines[3].startswith("SUCCESS: b in ")


def test_the_tree_has_the_order_of_the_plan_whoever_ended_first() -> None:
    with Runner(StateGraph([named("a"), named("b"), named("c", "a", "b")])) as runner:
        report = runner.reach("c")
    steps = {outcome.state.name: Step(outcome.state, 0.0) for outcome in report.outcomes}
    orders = [["a", "b", "c"], ["b", "a", "c"]]
    trees = [account(report, {name: steps[name] for name in order}) for order in orders]
    assert trees[0] == trees[1]
    assert [line.split("  ")[0] for line in trees[0][:3]] == ["✓ a", "✓ b", "└─ ✓ c"]


def test_inputs_that_match_nothing_are_a_warning() -> None:
    stream = io.StringIO()
    write_account(report_of(ended("a"), ended("b")), {}, stream, unmatched={"a": ("x.txt", "y/*")})
    assert "\nwarning: inputs of a that match nothing: x.txt, y/*  states.py:1\nok 2" in stream.getvalue()


def test_what_was_running_when_the_report_came_has_the_outcome_of_the_report() -> None:
    outcome = ended("a")
    steps = {"a": Step(outcome.state, 0.0)}
    assert account(report_of(outcome), steps)[0] == "✓ a  0.00 s"


def test_secrets_are_masked() -> None:
    outcome = ended("a", given="https://user:password@index.example/simple/")
    assert "password" not in "".join(account(report_of(outcome), {}))


@pytest.mark.parametrize("error", [ValueError("first\nsecond"), GroundupError("first\nsecond")])
def test_an_error_of_several_lines_stays_together(error: Exception) -> None:
    lines = failures(report_of(ended("a", status=Status.FAILED, error=error)))
    assert [line.removeprefix("  ValueError: ").strip() for line in lines[1:]] == ["first", "second"]
