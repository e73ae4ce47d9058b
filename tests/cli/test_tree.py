"""The tree of what happened: each state under the parent that it waited for last, with time and output."""

from __future__ import annotations

from typing import Any

import pytest

from groundup.cli.tree import MOST_LINES, Step, duration, tree_lines
from groundup.dag import Outcome, Status
from tests.dag.graphs import named


def ended(name: str, *parents: str, status: Status = Status.OK, **outcome: Any) -> Step:
    state = named(name, *parents)
    return Step(state, 0.0, Outcome(state, status, **outcome))


def drawn(*steps: Step) -> list[str]:
    by_name = {step.state.name: step for step in steps}
    return list(tree_lines(by_name, lambda step: f"running {step.state.name}", lambda text, _colour: text))


def test_each_state_has_its_time_and_its_output() -> None:
    assert drawn(ended("a", seconds=0.084, value="result")) == ["✓ a  0.08 s  result"]


def test_children_stand_under_the_parent_that_ended_last() -> None:
    steps = [ended("a"), ended("b"), ended("c", "a", "b"), ended("d", "a")]
    assert drawn(*steps) == [
        "✓ a  0.00 s",
        "└─ ✓ d  0.00 s",
        "✓ b  0.00 s",
        "└─ ✓ c  0.00 s",
    ]


def test_output_of_several_lines_stands_under_the_name() -> None:
    assert drawn(ended("a", value="one\ntwo\n"), ended("b", "a")) == [
        "✓ a  0.00 s",
        "│  one",
        "│  two",
        "└─ ✓ b  0.00 s",
    ]


def test_long_output_is_shortened_and_that_is_said() -> None:
    lines = drawn(ended("a", value="\n".join(map(str, range(MOST_LINES + 3)))))
    assert len(lines) == 1 + MOST_LINES + 1
    assert lines[-1].strip() == "… 3 more lines"


def test_failures_and_what_they_stopped_are_marked() -> None:
    failed = ended("a", status=Status.FAILED, seconds=1.5, error=ValueError())
    stopped = ended("b", "a", status=Status.NOT_RUN, because="a")
    assert drawn(failed, stopped) == ["✗ a  1.50 s", "└─ · b  not run: a failed"]


def test_what_runs_is_described_by_the_caller() -> None:
    assert drawn(Step(named("a"), 0.0)) == ["running a"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.00 s"), (59.994, "59.99 s"), (60, "1 m 00 s"), (125.4, "2 m 05 s")]
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
