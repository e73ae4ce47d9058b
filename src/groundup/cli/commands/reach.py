"""``groundup reach [-q] [STATE…]``: reach states; without names the configured target."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext

from groundup.cli.progress import Progress
from groundup.cli.tree import duration
from groundup.config import load_config
from groundup.dag import Report, Runner, StateGraph
from groundup.states import builtin_graph


def reach(names: Sequence[str], *, quiet: bool = False) -> int:
    """Reach the states `names` and show what happened on stderr; stdout belongs to nobody.

    :param quiet: show nothing but errors.
    :raises GroundupError: a name is unknown, or a state failed.
    """
    progress = Progress()
    report = run(builtin_graph(), names or [load_config().target], progress, show=not quiet)
    if not quiet:
        progress.write(sys.stderr)
        sys.stderr.write(last_line(report) + "\n")
    report.raise_for_failure()
    return 0


def run(graph: StateGraph, names: Sequence[str], progress: Progress, *, show: bool) -> Report:
    """Reach the states `names` of `graph`, told to `progress`, which shows itself when `show`."""
    with progress if show else nullcontext(), Runner(graph, on_event=progress.on_event) as runner:
        return runner.reach(*names)


def last_line(report: Report) -> str:
    """Return the line that ends the account of a run."""
    word = "SUCCESS" if report.ok else "FAILURE"
    return f"{word}: {', '.join(report.targets)} in {duration(report.seconds)}"
