"""``groundup reach [OPTIONS] [STATE…]``: reach states; without names the configured target."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from groundup.cli.account import exit_code, failure_lines, write_account, write_lines
from groundup.cli.failures import where_logged
from groundup.cli.progress import Progress, painter
from groundup.cli.running import Options, repository, run
from groundup.cli.shown import Shown
from groundup.cli.unmatched import unmatched
from groundup.dag import Report, StateGraph, plan


def reach(names: Sequence[str], options: Options = Options(), shown: Shown = Shown()) -> int:  # noqa: B008
    """Reach the states `names`, else the configured target, and show what happens on stderr.

    stdout belongs to nobody, but for events as JSON and for what would be done.

    :raises GroundupError: a name is unknown or a parameter is wrong; with events, also when a state failed.
    """
    if shown.dry_run:
        from groundup.cli.commands.dry_run import dry_run

        return dry_run(names, options, as_json=shown.as_json)
    if shown.as_json:
        return _with_events(names, options)
    return _quietly(names, options) if shown.quiet else _with_progress(names, options, shown)


def _quietly(names: Sequence[str], options: Options) -> int:
    report = run(names, None, options)
    write_lines(list(failure_lines(report, painter(sys.stderr), _logged(report))), sys.stderr)
    return exit_code(report)


def _with_progress(names: Sequence[str], options: Options, shown: Shown) -> int:
    output_of = None
    if shown.verbose:
        from groundup.cli.outputs import Outputs

        options = options._replace(outputs=Outputs())
        output_of = options.outputs.of if options.outputs else None
    here = repository()
    planned = partial(names_of_planned, here.graph, names or [here.config.target])
    progress = Progress(is_live=options.captures, output_of=output_of, planned=planned)
    report = run(names, progress, options)
    write_account(
        report, progress.steps, sys.stderr, logged=_logged(report), unmatched=unmatched(report, here)
    )
    return exit_code(report)


def _with_events(names: Sequence[str], options: Options) -> int:
    from groundup.cli.events import EventLines

    events = EventLines()
    report = run(names, events, options)
    events.report(report, unmatched(report, repository()))
    report.raise_for_failure()
    return 0


def _logged(report: Report) -> str:
    return where_logged(*(outcome.error for outcome in report.failures))


def names_of_planned(graph: StateGraph, names: Sequence[str]) -> list[str]:
    """Return the names of the states that are needed to reach `names`, in the order of the plan."""
    return [state.name for state in plan(graph, names)]
