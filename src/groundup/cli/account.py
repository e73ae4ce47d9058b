"""The account of a run at its end: the tree, each failure, what took long, how many ended how."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TextIO

from groundup import proto_kernel
from groundup.cli.progress import painter
from groundup.cli.tree import Paint, Step, Steps, counts, duration, tree_lines
from groundup.dag import Outcome, Report, Status
from groundup.dag.critical import critical_path
from groundup.dag.errors import describe, exit_code_of
from groundup.dag.raising import raised_at
from groundup.errors import GroundupError

MOST_NAMES = 10
NOTICEABLE = 0.5  # seconds
LONGEST = 6  # states of the critical path that are named
RAIL = "│ "

Unmatched = Mapping[str, Sequence[str]]
NONE: Unmatched = MappingProxyType({})


def write_account(
    report: Report, steps: Steps, stream: TextIO, *, logged: str = "", unmatched: Unmatched = NONE
) -> None:
    """Write what happened to `stream`, and as its last line whether it succeeded.

    :param logged: says where there is more about the errors that were not meant for people.
    :param unmatched: states that were evaluated and none of whose inputs is there, with these.
    """
    paint = painter(stream)
    lines = [
        *tree_lines(with_outcomes(steps, report), _unfinished, paint),
        *failure_lines(report, paint, logged),
        *unmatched_lines(report, unmatched, paint),
        *critical_lines(report),
        summary_line(report),
        last_line(report),
    ]
    write_lines(lines, stream)


def write_lines(lines: Sequence[str], stream: TextIO) -> None:
    """Write lines, secrets masked."""
    stream.write(proto_kernel.mask("".join(f"{line}\n" for line in lines)))
    stream.flush()


def with_outcomes(steps: Steps, report: Report) -> Steps:
    """Return `steps`, each with the outcome that stands in the report, and in its order."""
    final = {}
    for outcome in report.outcomes:
        step = steps.get(outcome.state.name)
        final[outcome.state.name] = Step(outcome.state, step.began if step else time.perf_counter(), outcome)
    return final


def last_line(report: Report) -> str:
    """Return the line that ends the account of a run."""
    word = "SUCCESS" if report.ok else "FAILURE"
    return f"{word}: {', '.join(report.targets)} in {duration(report.seconds)}"


def summary_line(report: Report) -> str:
    """Return how many states ended in each way."""
    ended = counts(iter(report.outcomes))
    return " · ".join(f"{status.value} {count}" for status, count in ended.items())


def critical_lines(report: Report) -> Iterator[str]:
    """Yield the critical path of a run that took noticeable time: those states of it that count."""
    path = critical_path(report.outcomes)
    seconds = sum(outcome.seconds for outcome in path)
    if seconds < NOTICEABLE:
        return
    longest = sorted((outcome.seconds for outcome in path), reverse=True)[:LONGEST]
    least = max(longest[-1], seconds / 100)
    texts = [f"{each.state.name} {duration(each.seconds)}" for each in path if each.seconds >= least]
    yield f"critical path {duration(seconds)}: {' → '.join(texts)}"


def failure_lines(report: Report, paint: Paint, logged: str = "") -> Iterator[str]:
    """Yield the lines about each failure: where, what, its output, what was not run because of it.

    :param logged: says where there is more about the errors that were not meant for people.
    """
    for outcome in report.failures:
        yield f"{paint('✗', '31')} {outcome.state.name}  {outcome.state.source}"
        yield from (f"  {line}" for line in _error_lines(outcome, logged))
        yield from (f"  {line}" for line in _output_lines(outcome, report))
        names = not_run_because_of(outcome, report)
        if names:
            yield f"  not run because of it: {names_text(names)}"


def unmatched_lines(report: Report, unmatched: Unmatched, paint: Paint) -> Iterator[str]:
    """Yield a warning for each state with inputs that match nothing."""
    for outcome in report.outcomes:
        if patterns := unmatched.get(outcome.state.name):
            what = f"inputs of {outcome.state.name} that match nothing: {names_text(patterns)}"
            yield f"{paint('warning:', '33')} {what}  {outcome.state.source}"


def not_run_because_of(failure: Outcome, report: Report) -> list[str]:
    """Return the names of the states that were not run because of a failure."""
    return [
        outcome.state.name
        for outcome in report.outcomes
        if outcome.status is Status.NOT_RUN and outcome.because == failure.state.name
    ]


def names_text(names: Sequence[str]) -> str:
    """Return names for people: the first ones and how many more there are."""
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join([*names[:MOST_NAMES], *more])


def exit_code(report: Report) -> int:
    """Return the exit code of a run: that of its first failure, else 0."""
    codes = (exit_code_of(outcome.error) for outcome in report.failures if outcome.error is not None)
    return next(codes, 0 if report.ok else 1)


def _error_lines(outcome: Outcome, logged: str) -> Iterator[str]:
    error = outcome.error
    if error is None:
        return
    yield from describe(error).splitlines()
    file, line = raised_at(error, outcome.state.file)
    if line:
        yield f"at {file}:{line}"
    hint = error.hint if isinstance(error, GroundupError) else logged
    if hint:
        yield f"hint: {hint}"


def _output_lines(outcome: Outcome, report: Report) -> Iterator[str]:
    if not outcome.output.strip():
        return
    yield f"the end of its output{f', which is in {report.log}' if report.log else ''}:"
    yield from (f"{RAIL}{line}" for line in outcome.output.rstrip().splitlines())


def _unfinished(step: Step) -> str:
    return f"… {step.state.name}"
