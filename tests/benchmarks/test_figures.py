"""Figures: the median of paired samples, its interval, its target; and how they are shown."""

from __future__ import annotations

import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.figures import Figure, difference, median_interval, ratio
from tests.benchmarks.measuring import Cost
from tests.benchmarks.report import Report, as_json, as_table

SAMPLES = st.lists(st.floats(0.1, 10), min_size=1, max_size=60)


def costs(*walls: float) -> list[Cost]:
    return [Cost(wall, wall / 2) for wall in walls]


def test_a_ratio_is_taken_in_each_round() -> None:
    figure = ratio("r", 2, {"a": costs(2, 30, 4), "b": costs(1, 10, 1)}, over="a", under="b")
    assert figure.samples == (2, 3, 4)
    assert (figure.median, figure.cpu, figure.ok) == (3, 3, False)
    assert figure.medians == {"a, ms": 4000, "b, ms": 1000}


def test_a_difference_is_counted_in_medians_of_its_unit() -> None:
    measured = {"a": costs(3, 6), "b": costs(1, 2), "start": costs(0.25, 0.75)}
    figure = difference("d", 6, measured, over="a", under="b", unit="start")
    assert (figure.samples, figure.unit) == ((4, 8), "starts")
    assert (figure.median, figure.cpu, figure.ok) == (6, 6, True)


def test_a_figure_is_held_against_its_target() -> None:
    def verdict(target: float | None, *, at_least: bool = False) -> tuple[str, bool]:
        figure = Figure("f", "x", target, (1, 2, 3), at_least=at_least)
        return figure.verdict, figure.ok

    assert verdict(2) == verdict(2, at_least=True) == ("ok", True)
    assert verdict(1.9) == ("over", False)
    assert verdict(2.1, at_least=True) == ("under", False)
    assert verdict(None) == ("", True)


def test_the_ranks_of_the_interval_are_those_of_the_tables() -> None:
    for count, (low, high) in {6: (1, 6), 10: (2, 9), 20: (6, 15), 25: (8, 18), 40: (14, 27)}.items():
        assert median_interval(range(1, count + 1)) == (low, high)


@given(SAMPLES)
def test_the_interval_holds_the_median_and_ends_in_samples(samples: list[float]) -> None:
    low, high = median_interval(samples)
    assert low <= statistics.median(samples) <= high
    assert {low, high} <= set(samples)


@pytest.fixture
def report() -> Report:
    figures = (
        Figure("first", "x", 1.5, (1.0, 1.25, 2.0), 1.125, {"a, ms": 20.0}),
        Figure("second, longer", "bare starts", 7, (8.0,)),
        Figure("third", "x", 3, (4.0, 2.5, 2.0), at_least=True),
        Figure("fourth", "KiB", None, (3.0,)),
    )
    return Report("demo", {"on": "CPython 3.11.7", "uv": "1.2"}, 3, figures)


def test_the_table_has_a_line_for_each_figure(report: Report) -> None:
    assert as_table(report).splitlines() == [
        "demo: on CPython 3.11.7, uv 1.2",
        "medians of rounds in turns; noise: 95 % interval of the median, halved",
        "",
        "figure          unit         rounds  median   min   max  noise   cpu   target",
        "first           x                 3    1.25  1.00  2.00  ±0.50  1.12  <= 1.50  ok",
        "second, longer  bare starts       1    8.00  8.00  8.00  ±0.00        <= 7.00  over",
        "third           x                 3    2.50  2.00  4.00  ±1.00        >= 3.00  under",
        "fourth          KiB               1    3.00  3.00  3.00  ±0.00",
    ]


def test_json_says_the_same(report: Report) -> None:
    values = json.loads(as_json(report))
    assert (values["suite"], values["rounds"], values["ok"]) == ("demo", 3, False)
    assert values["figures"][0] == {
        "name": "first",
        "unit": "x",
        "rounds": 3,
        "median": 1.25,
        "min": 1.0,
        "max": 2.0,
        "noise": 0.5,
        "cpu": 1.125,
        "target": 1.5,
        "at_least": False,
        "ok": True,
        "of": {"a, ms": 20.0},
    }
    assert [figure["cpu"] for figure in values["figures"]] == [1.125, None, None, None]
    assert [figure["at_least"] for figure in values["figures"]] == [False, False, True, False]
    assert [figure["ok"] for figure in values["figures"]] == [True, False, False, True]
