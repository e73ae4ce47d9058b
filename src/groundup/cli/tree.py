"""What happened, as a tree: each state under the parent that it waited for last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from groundup.dag import AnyState, Outcome, Status
from groundup.dag.rendering import draw_tree

MOST_LINES = 12  # of one state's output
SYMBOLS = {Status.OK: "✓", Status.FAILED: "✗", Status.NOT_RUN: "·"}
COLOURS = {"✓": "32", "✗": "31", "·": "33"}

Paint = Callable[[str, str], str]


@dataclass(slots=True)
class Step:
    """One state of a run.

    :ivar began: when its evaluation began, on the clock of :func:`time.perf_counter`.
    :ivar outcome: None while it runs.
    """

    state: AnyState
    began: float
    outcome: Outcome | None = None


def tree_lines(steps: Mapping[str, Step], running: Callable[[Step], str], paint: Paint) -> Iterator[str]:
    """Yield the lines of the tree of `steps`, which are in the order in which they began.

    :param running: the text for a state that has no outcome yet.
    :param paint: gives a text the colour of that number (ANSI), or leaves it.
    """
    order = {name: number for number, name in enumerate(steps)}
    children: dict[str, list[str]] = {name: [] for name in steps}
    roots: list[str] = []
    for name, step in steps.items():
        above = max((p for p in step.state.parents if p in order), key=order.__getitem__, default=None)
        (roots if above is None else children[above]).append(name)

    def expand(name: str) -> tuple[Sequence[str], Sequence[str]]:
        step = steps[name]
        lines = [running(step)] if step.outcome is None else _outcome_lines(step.outcome, paint)
        return lines, children[name]

    return draw_tree(roots, expand)


def duration(seconds: float) -> str:
    """Return a duration for people: ``0.08 s``, ``2 m 05 s``."""
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02} s"


def _outcome_lines(outcome: Outcome, paint: Paint) -> list[str]:
    symbol = SYMBOLS[outcome.status]
    head = f"{paint(symbol, COLOURS[symbol])} {outcome.state.name}"
    if outcome.status is Status.NOT_RUN:
        return [f"{head}  not run: {outcome.because} failed"]
    head += f"  {paint(duration(outcome.seconds), '2')}"
    output = output_text(outcome).splitlines()
    if len(output) <= 1:
        return [f"{head}  {output[0]}" if output else head]
    return [head, *_shortened(output)]


def output_text(outcome: Outcome) -> str:
    """Return what a state's value says of itself."""
    return "" if outcome.value is None else str(outcome.value).rstrip()


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES} more lines"]
