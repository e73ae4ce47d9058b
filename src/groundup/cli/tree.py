"""What happened, as a tree: each state under the last of its parents, in the order of the plan."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from groundup.dag import AnyState, Outcome, Status
from groundup.dag.errors import describe
from groundup.dag.fields import Fields
from groundup.dag.rendering import draw_tree

MOST_LINES = 12  # of one state's value
MOST_COLUMNS = 300
MANY = 40  # states in one tree; of more, only those are drawn that are of interest
SYMBOLS = {
    Status.OK: "✓",
    Status.CHANGED: "Δ",
    Status.SKIPPED: "=",
    Status.FAILED: "✗",
    Status.NOT_RUN: "·",
}
COLOURS = {"✓": "32", "Δ": "32", "=": "2", "✗": "31", "·": "33"}
OF_INTEREST = (None, Status.FAILED, Status.CHANGED)  # in this order; None: it runs

Paint = Callable[[str, str], str]


class Step(Fields):
    """One state of a run.

    :ivar began: when its evaluation began, on the clock of :func:`time.perf_counter`.
    :ivar outcome: None while it runs.
    :ivar last_line: the last line that it wrote so far.
    :ivar note: what there is to say of it.
    :ivar note_until: when that is not so any more.
    """

    __match_args__ = ("state", "began", "outcome", "last_line", "note", "note_until")
    __slots__ = __match_args__

    def __init__(
        self,
        state: AnyState,
        began: float,
        outcome: Outcome | None = None,
        last_line: Callable[[], str] | None = None,
    ) -> None:
        self.state = state
        self.began = began
        self.outcome = outcome
        self.last_line = last_line
        self.note = ""
        self.note_until = 0.0

    def said(self) -> str:
        """Return what is known of it while it runs, in one line."""
        if self.note and time.perf_counter() < self.note_until:
            return self.note
        return (self.last_line() if self.last_line else "") or self.state.summary


Steps = Mapping[str, Step]


def tree_lines(
    steps: Steps, running: Callable[[Step], str], paint: Paint, *, most: int = MANY, short: bool = False
) -> Iterator[str]:
    """Yield the lines of the tree of `steps`, in their order: each under the last of its parents.

    :param running: the text for a state that has no outcome yet.
    :param paint: gives a text the colour of that number (ANSI), or leaves it.
    :param most: how many states are drawn; of more, only those that run, failed or changed, and a count.
    :param short: a line for each state, whatever its value; of many, the last ones rather than the longest.
    """
    shown = drawn_names(steps, most, _ended_last if short else _took_longest)
    children: dict[str, list[str]] = {name: [] for name in shown}
    roots: list[str] = []
    above = _parents_in_tree(steps)
    for name in steps:
        if name in children:
            parent = _nearest(name, above, children)
            (roots if parent is None else children[parent]).append(name)

    def expand(name: str) -> tuple[Sequence[str], Sequence[str]]:
        step = steps[name]
        lines = [running(step)] if step.outcome is None else _outcome_lines(step.outcome, paint)
        return lines[:1] if short else lines, children[name]

    yield from draw_tree(roots, expand)
    if len(shown) < len(steps):
        yield paint(f"… and {_counted(step for name, step in steps.items() if name not in shown)}", "2")


def drawn_names(steps: Steps, most: int, order: Callable[[Outcome], float]) -> Collection[str]:
    """Return the names of the states that a tree of at most `most` shows: the first ones by `order`."""
    if len(steps) <= most:
        return steps.keys()
    ranks = {name: _rank(step, order) for name, step in steps.items()}
    chosen = sorted((name for name in steps if ranks[name][0] < len(OF_INTEREST)), key=ranks.__getitem__)
    return set(chosen[:most])


def counts(outcomes: Iterator[Outcome]) -> dict[Status, int]:
    """Return how many states ended in each way."""
    found = dict.fromkeys(Status, 0)
    for outcome in outcomes:
        found[outcome.status] += 1
    return found


def duration(seconds: float) -> str:
    """Return a duration for people: ``0.08 s``, ``2 m 05 s``."""
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02} s"


def headline(outcome: Outcome, paint: Paint) -> str:
    """Return how a state ended, in one line."""
    symbol = SYMBOLS[outcome.status]
    head = f"{paint(symbol, COLOURS[symbol])} {outcome.state.name}"
    if outcome.status is Status.NOT_RUN:
        return f"{head}  not run: {outcome.because} failed"
    if outcome.status is Status.SKIPPED:
        return f"{head}  {paint('up to date', '2')}"
    tries = f", {outcome.attempts} attempts" if outcome.attempts > 1 else ""
    return f"{head}  {paint(duration(outcome.seconds) + tries, '2')}"


def with_reason(line: str, outcome: Outcome, paint: Paint) -> str:
    """Return `line` with the first reason for which a state was evaluated that was evaluated before."""
    reasons = outcome.reasons
    if not reasons or (reasons[0].kind == "first" and not reasons[0].new):
        return line
    text = "source changed" if reasons[0].kind == "source" else reasons[0].text
    more = f", and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"{line}  {paint(f'({text}{more})', '2')}"


def output_text(outcome: Outcome) -> str:
    """Return what the value of a state that was evaluated says of itself."""
    try:
        return "" if outcome.given is None else str(outcome.given).rstrip()
    except Exception as error:  # __str__ is the user's own code
        return f"a {type(outcome.given).__name__}, which cannot be shown: {describe(error)}"


def _parents_in_tree(steps: Steps) -> dict[str, str | None]:
    order = {name: number for number, name in enumerate(steps)}
    return {
        name: max((p for p in step.state.parents if p in order), key=order.__getitem__, default=None)
        for name, step in steps.items()
    }


def _nearest(name: str, above: Mapping[str, str | None], drawn: Collection[str]) -> str | None:
    parent = above[name]
    while parent is not None and parent not in drawn:
        parent = above[parent]
    return parent


def _rank(step: Step, order: Callable[[Outcome], float]) -> tuple[int, float]:
    outcome = step.outcome
    if outcome is None:
        return 0, step.began
    if outcome.status in OF_INTEREST:
        return OF_INTEREST.index(outcome.status), order(outcome)
    return len(OF_INTEREST), 0.0


def _took_longest(outcome: Outcome) -> float:
    return -outcome.seconds


def _ended_last(outcome: Outcome) -> float:
    return -(outcome.began + outcome.seconds)


def _counted(steps: Iterator[Step]) -> str:
    among = list(steps)
    ended = counts(step.outcome for step in among if step.outcome)
    texts = [f"{count} {status.value}" for status, count in ended.items() if count]
    running = sum(step.outcome is None for step in among)
    return ", ".join(texts + ([f"{running} running"] if running else []))


def _outcome_lines(outcome: Outcome, paint: Paint) -> list[str]:
    head = headline(outcome, paint)
    output = [_cut(line) for line in output_text(outcome).splitlines()]
    if len(output) <= 1:
        return [with_reason(f"{head}  {output[0]}" if output else head, outcome, paint)]
    return [with_reason(head, outcome, paint), *_shortened(output)]


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"… {len(lines) - MOST_LINES} more lines"]


def _cut(line: str) -> str:
    return line if len(line) <= MOST_COLUMNS else f"{line[:MOST_COLUMNS]}…"
