"""A run for machines: a JSON object in a line of its own for each event, and the report as the last one."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from groundup import proto_kernel
from groundup.cli.account import NONE, Unmatched, not_run_because_of
from groundup.cli.tree import counts
from groundup.dag import Event, Finished, Outcome, Report, Started
from groundup.dag.critical import critical_path
from groundup.dag.errors import describe, exit_code_of
from groundup.dag.outcome import Retrying
from groundup.errors import GroundupError

if TYPE_CHECKING:
    from groundup.dag.uptodate import Change


class EventLines:
    """Writes what happens to stdout; pass :meth:`on_event` to a runner inside the ``with`` block."""

    def __init__(self) -> None:
        self._stream = sys.stdout  # before a run replaces it
        self._began = time.perf_counter()

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def on_event(self, event: Event) -> None:
        """Write a line about an event."""
        self.write({**event_data(event), "at": round(time.perf_counter() - self._began, 3)})

    def report(self, report: Report, unmatched: Unmatched = NONE) -> None:
        """Write the last line.

        :param unmatched: states that were evaluated and none of whose inputs is there, with these.
        """
        self.write({"event": "report", **report_data(report), "unmatched_inputs": dict(unmatched)})

    def write(self, data: dict[str, Any]) -> None:
        """Write a line."""
        self._stream.write(json.dumps(data, ensure_ascii=False, default=str) + "\n")
        self._stream.flush()


def event_data(event: Event) -> dict[str, Any]:
    """Return an event as data for JSON; durations are in seconds."""
    if isinstance(event, Finished):
        return {"event": "finished", **outcome_data(event.outcome)}
    name = event.state.name
    if isinstance(event, Started):
        return {"event": "started", "state": name}
    if isinstance(event, Retrying):
        about = {"attempt": event.attempt, "error": error_data(event.error), "delay": round(event.delay, 3)}
        return {"event": "retrying", "state": name, **about}
    return {"event": "waiting", "state": name, "text": event.text}


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """Return how a state ended as data for JSON: what there is nothing to say of is left out."""
    said = {
        "because": outcome.because,
        "attempts": outcome.attempts,
        "reasons": reasons_data(outcome.reasons),
        "error": error_data(outcome.error) if outcome.error else None,
        "output": proto_kernel.mask(outcome.output),
    }
    return {
        "state": outcome.state.name,
        "status": outcome.status.value,
        "seconds": round(outcome.seconds, 3),
        **{key: value for key, value in said.items() if value},
    }


def report_data(report: Report) -> dict[str, Any]:
    """Return a report as data for JSON; durations are in seconds."""
    path = [
        {"state": each.state.name, "seconds": round(each.seconds, 3)}
        for each in critical_path(report.outcomes)
    ]
    return {
        "status": "SUCCESS" if report.ok else "FAILURE",
        "targets": list(report.targets),
        "seconds": round(report.seconds, 3),
        "counts": {status.value: count for status, count in counts(iter(report.outcomes)).items()},
        "critical_path": path,
        "failures": [
            {
                "state": each.state.name,
                "source": each.state.source,
                "not_run": not_run_because_of(each, report),
            }
            for each in report.failures
        ],
        "log": str(report.log) if report.log else None,
    }


def reasons_data(reasons: Sequence[Change]) -> list[dict[str, str]]:
    """Return what was not up to date as data for JSON."""
    return [
        {
            "kind": reason.kind,
            "name": reason.name,
            "old": proto_kernel.mask(reason.old),
            "new": proto_kernel.mask(reason.new),
        }
        for reason in reasons
    ]


def error_data(error: BaseException) -> dict[str, Any]:
    """Return an error as data for JSON."""
    hint = error.hint if isinstance(error, GroundupError) else ""
    return {
        "message": proto_kernel.mask(describe(error)),
        "hint": proto_kernel.mask(hint),
        "exit_code": exit_code_of(error),
    }
