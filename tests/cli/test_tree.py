"""The tree of what happened: each state under the last of its parents, with time and output."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.cli.tree import MANY, MOST_COLUMNS, MOST_LINES, Step, duration, tree_lines
from groundup.dag import Outcome, Status, plan
from groundup.dag.uptodate import Change
from tests.dag.graphs import adjacencies, graph_of, named


def ended(name: str, *parents: str, status: Status = Status.OK, **outcome: Any) -> Step:
    state = named(name, *parents)
    return Step(state, 0.0, Outcome(state, status, **outcome))


def drawn(*steps: Step, **options: Any) -> list[str]:
    by_name = {step.state.name: step for step in steps}
    return list(tree_lines(by_name, lambda step: f"running {step.state.name}", plain, **options))


def plain(text: str, _colour: str) -> str:
    return text


def test_each_state_has_its_time_and_its_output() -> None:
    assert drawn(ended("a", seconds=0.084, given="result")) == ["✓ a  0.08 s  result"]


class Shy:
    """A value that does not want to be shown."""

    def __str__(self) -> str:
        raise RuntimeError("not me")


def test_a_value_that_cannot_be_shown_is_told() -> None:
    (line,) = drawn(ended("a", given=Shy()))
    assert line.endswith("a Shy, which cannot be shown: RuntimeError: not me")


def test_children_stand_under_the_last_of_their_parents() -> None:
    steps = [ended("a"), ended("b"), ended("c", "a", "b"), ended("d", "a")]
    assert drawn(*steps) == [
        "✓ a  0.00 s",
        "└─ ✓ d  0.00 s",
        "✓ b  0.00 s",
        "└─ ✓ c  0.00 s",
    ]


def test_output_of_several_lines_stands_under_the_name() -> None:
    assert drawn(ended("a", given="one\ntwo\n"), ended("b", "a")) == [
        "✓ a  0.00 s",
        "│  one",
        "│  two",
        "└─ ✓ b  0.00 s",
    ]


def test_long_output_is_shortened_and_that_is_said() -> None:
    lines = drawn(ended("a", given="\n".join(map(str, range(MOST_LINES + 3)))))
    assert len(lines) == 1 + MOST_LINES + 1
    assert lines[-1].strip() == "… 3 more lines"


def test_failures_and_what_they_stopped_are_marked() -> None:
    failed = ended("a", status=Status.FAILED, seconds=1.5, error=ValueError())
    stopped = ended("b", "a", status=Status.NOT_RUN, because="a")
    assert drawn(failed, stopped) == ["✗ a  1.50 s", "└─ · b  not run: a failed"]


def test_what_is_up_to_date_is_not_asked_for_its_value() -> None:
    def restored() -> str:
        raise AssertionError("it was asked for its value")

    assert drawn(ended("a", status=Status.SKIPPED, stored=restored)) == ["= a  up to date"]


def test_a_new_result_is_marked_and_attempts_are_counted() -> None:
    assert drawn(ended("a", status=Status.CHANGED, attempts=3)) == ["Δ a  0.00 s, 3 attempts"]


def test_why_it_ran_stands_behind_it_where_it_had_run_before() -> None:
    changed = Change("input", "a.txt", "1f", "2e")
    failed = Change("first", "a", "", "the last evaluation failed")
    text = "input a.txt changed: 1f → 2e"
    assert drawn(ended("a", given=3, reasons=(changed,))) == [f"✓ a  0.00 s  3  ({text})"]
    assert drawn(ended("a", reasons=(changed, changed, failed))) == [f"✓ a  0.00 s  ({text}, and 2 more)"]
    assert drawn(ended("a", given="one\ntwo", reasons=(changed,)))[0] == f"✓ a  0.00 s  ({text})"
    assert drawn(ended("a", reasons=(failed,))) == ["✓ a  0.00 s  (the last evaluation failed)"]
    code = Change("source", "a", "1f (a.py:6)", "2e (a.py:9)")
    assert drawn(ended("a", reasons=(code,))) == ["✓ a  0.00 s  (source changed)"]
    assert drawn(ended("a", reasons=(Change("first", "a"), Change("check", "a")))) == ["✓ a  0.00 s"]


def test_a_long_line_is_cut() -> None:
    (line,) = drawn(ended("a", given="x" * 10_000))
    assert line == f"✓ a  0.00 s  {'x' * MOST_COLUMNS}…"


def test_a_short_tree_has_a_line_for_each_state() -> None:
    assert drawn(ended("a", given="one\ntwo"), ended("b", "a"), short=True) == [
        "✓ a  0.00 s",
        "└─ ✓ b  0.00 s",
    ]


def test_what_runs_is_described_by_the_caller() -> None:
    assert drawn(Step(named("a"), 0.0)) == ["running a"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.00 s"), (59.994, "59.99 s"), (60, "1 m 00 s"), (125.4, "2 m 05 s")]
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# ── many states ──────────────────────────────────────────────────────────────────────────────────────


def test_of_many_states_only_those_of_interest_are_drawn_under_the_nearest_of_them() -> None:
    skipped = [
        ended(f"s{n}", *([f"s{n - 1}"] if n else ["first"]), status=Status.SKIPPED) for n in range(200)
    ]
    steps = [
        ended("first", status=Status.CHANGED),
        *skipped,
        ended("ok", "s199"),
        ended("bad", "s199", status=Status.FAILED),
        Step(named("now", "ok"), 0.0),
        ended("later", "bad", status=Status.NOT_RUN, because="bad"),
    ]
    assert drawn(*steps) == [
        "Δ first  0.00 s",
        "├─ ✗ bad  0.00 s",
        "└─ running now",
        "… and 1 ok, 200 skipped, 1 not run",
    ]


def test_of_many_that_changed_the_longest_are_drawn_and_failures_first() -> None:
    changed = [ended(f"s{n}", status=Status.CHANGED, seconds=float(n)) for n in range(MANY + 10)]
    lines = drawn(*changed, ended("bad", status=Status.FAILED))
    assert len(lines) == MANY + 1
    assert lines[0].startswith(f"Δ s{11}")
    assert lines[-2:] == ["✗ bad  0.00 s", "… and 11 changed"]


def test_a_short_tree_of_many_that_changed_has_the_last_ones() -> None:
    changed = [ended(f"s{n}", status=Status.CHANGED, began=float(n), seconds=0.1) for n in range(20)]
    lines = drawn(*changed, most=2, short=True)
    assert lines == ["Δ s18  0.10 s", "Δ s19  0.10 s", "… and 18 changed"]


@given(adjacencies(most=20), st.integers(1, 25), st.data())
def test_each_state_is_drawn_once_or_counted(
    adjacency: dict[str, list[str]], most: int, data: st.DataObject
) -> None:
    steps = {}
    for state in plan(graph_of(adjacency), adjacency):
        status = data.draw(st.sampled_from([None, *Status]), label=state.name)
        steps[state.name] = Step(state, 0.0, Outcome(state, status, because="s0") if status else None)
    *lines, last = tree_lines(steps, lambda step: f"? {step.state.name}", plain, most=most)
    names = [found[1] for line in [*lines, last] if (found := re.match(r"[│├└─ ]*[✓Δ=✗·?] (s\d+)", line))]
    assert len(names) == len(set(names)) <= most
    counted = sum(map(int, re.findall(r"\d+", last))) if last.startswith("… and ") else 0
    assert len(names) + counted == len(steps)
