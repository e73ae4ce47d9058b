"""``groundup quickstart [--json]``: from the environment to the result of a flow, through real states."""

from __future__ import annotations

import json
import sys
from typing import Any

from groundup.cli.account import write_account
from groundup.cli.progress import Progress
from groundup.cli.running import run
from groundup.cli.tree import output_text
from groundup.dag import Outcome, Report
from groundup.dag.errors import describe


def quickstart(*, as_json: bool = False) -> int:
    """Reach ``quickstart`` and show what happened on stdout, as a tree or as JSON.

    :raises GroundupError: a state failed.
    """
    progress = Progress()
    report = run(["quickstart"], progress)
    if as_json:
        sys.stdout.write(json.dumps(report_data(report), indent=2) + "\n")
    else:
        write_account(report, progress.steps, sys.stdout)
    report.raise_for_failure()
    return 0


def report_data(report: Report) -> dict[str, Any]:
    """Return a report as data for JSON; durations are in seconds."""
    return {
        "status": "SUCCESS" if report.ok else "FAILURE",
        "targets": list(report.targets),
        "seconds": round(report.seconds, 3),
        "states": [_outcome_data(outcome) for outcome in report.outcomes],
    }


def _outcome_data(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.state.name,
        "status": outcome.status.value,
        "seconds": round(outcome.seconds, 3),
        "output": output_text(outcome),
        "error": describe(outcome.error) if outcome.error else None,
    }
