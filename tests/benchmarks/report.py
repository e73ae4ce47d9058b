"""How figures are shown: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.figures import Figure

HEADINGS = ("figure", "unit", "rounds", "median", "min", "max", "noise", "cpu", "target", "")


@dataclass(frozen=True)
class Report:
    """The figures of one suite and what they were measured on; `conditions` names no path.

    `rounds` are those that were asked for; what takes long may have had fewer.
    """

    suite: str
    conditions: Mapping[str, str]
    rounds: int
    figures: tuple[Figure, ...]

    @property
    def ok(self) -> bool:
        return all(figure.ok for figure in self.figures)


def as_json(report: Report) -> str:
    """Return the report as JSON, indented."""
    figures = [figure_values(figure) for figure in report.figures]
    head = {"suite": report.suite, "conditions": dict(report.conditions), "rounds": report.rounds}
    return json.dumps({**head, "figures": figures, "ok": report.ok}, indent=2, ensure_ascii=False)


def figure_values(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "rounds": len(figure.samples),
        "median": figure.median,
        "min": min(figure.samples),
        "max": max(figure.samples),
        "noise": figure.noise,
        "cpu": figure.cpu,
        "target": figure.target,
        "at_least": figure.at_least,
        "ok": figure.ok,
        "of": dict(figure.medians),
    }


def as_table(report: Report) -> str:
    """Return the report as text: what it was measured on, then a line a figure."""
    conditions = ", ".join(f"{name} {value}" for name, value in report.conditions.items())
    rows = [HEADINGS, *(row(figure) for figure in report.figures)]
    explained = "medians of rounds in turns; noise: 95 % interval of the median, halved"
    return "\n".join([f"{report.suite}: {conditions}", explained, "", *aligned(rows)])


def row(figure: Figure) -> tuple[str, ...]:
    values = (figure.median, min(figure.samples), max(figure.samples))
    return (
        figure.name,
        figure.unit,
        str(len(figure.samples)),
        *(f"{value:.2f}" for value in values),
        f"±{figure.noise:.2f}",
        "" if figure.cpu is None else f"{figure.cpu:.2f}",
        bound(figure),
        figure.verdict,
    )


def bound(figure: Figure) -> str:
    """Return what the median is held against, as text; empty when it is against nothing."""
    if figure.target is None:
        return ""
    return f"{'>=' if figure.at_least else '<='} {figure.target:.2f}"


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines: names and units to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(cells[2:-1], widths[2:-1], strict=True)]
        yield "  ".join([*left, *right, cells[-1]]).rstrip()
