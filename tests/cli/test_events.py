"""A run for machines: every event is one line of JSON, and the report is the last."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundup.cli.events import EventLines, event_data, outcome_data
from groundup.dag import Finished, Outcome, Retries, Runner, StateGraph, Status, state
from groundup.dag.outcome import Waiting
from groundup.dag.uptodate import Change
from groundup.errors import GroundupError
from tests.dag.graphs import named


@state
def number() -> int:
    return 20


@state(retries=Retries(1, delay=0))
def broken(number: int) -> int:
    raise GroundupError(f"no {number}", hint="try another", exit_code=7)


@state
def after(broken: int) -> int:
    return broken


def lines_of(capsys: pytest.CaptureFixture[str], *targets: str) -> list[dict[str, Any]]:
    """Reach `targets` of the states above and return what was written."""
    with (
        EventLines() as events,
        Runner(StateGraph([number, broken, after]), on_event=events.on_event) as runner,
    ):
        events.report(runner.reach(*targets))
    out, err = capsys.readouterr()
    assert err == ""
    return [json.loads(line) for line in out.splitlines()]


def test_a_run_is_a_line_for_each_event_and_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of(capsys, "after")
    assert [(line["event"], line.get("state")) for line in lines] == [
        ("started", "number"),
        ("finished", "number"),
        ("started", "broken"),
        ("retrying", "broken"),
        ("finished", "broken"),
        ("finished", "after"),
        ("report", None),
    ]
    assert all(line["at"] >= 0 for line in lines[:-1])


def test_a_failure_has_its_error_and_what_it_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    *_, retrying, failed, not_run, report = lines_of(capsys, "after")
    error = {"message": "no 20", "hint": "try another", "exit_code": 7}
    assert (retrying["attempt"], retrying["error"], retrying["delay"]) == (1, error, 0)
    assert (failed["status"], failed["error"], failed["attempts"]) == ("failed", error, 2)
    assert (not_run["status"], not_run["because"]) == ("not run", "broken")
    assert report["status"] == "FAILURE"
    assert report["counts"] == {"ok": 1, "changed": 0, "skipped": 0, "failed": 1, "not run": 1}
    assert report["failures"] == [{"state": "broken", "source": broken.source, "not_run": ["after"]}]


def test_the_report_of_a_run_that_succeeded(capsys: pytest.CaptureFixture[str]) -> None:
    report = lines_of(capsys, "number")[-1]
    assert (report["status"], report["targets"], report["failures"]) == ("SUCCESS", ["number"], [])
    assert [step["state"] for step in report["critical_path"]] == ["number"]
    assert report["log"] is None


def test_reasons_are_data() -> None:
    reasons = (Change("input", "a.txt", "1f", "2e"),)
    data = outcome_data(Outcome(named("a"), Status.CHANGED, seconds=0.12345, reasons=reasons))
    assert data == {
        "state": "a",
        "status": "changed",
        "seconds": 0.123,
        "reasons": [{"kind": "input", "name": "a.txt", "old": "1f", "new": "2e"}],
    }


def test_waiting_says_for_whom() -> None:
    data = event_data(Waiting(named("a"), "waiting for process 7"))
    assert data == {"event": "waiting", "state": "a", "text": "waiting for process 7"}


def test_secrets_are_masked_and_every_line_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    error = GroundupError('run "upload --token=abc123" failed', hint="see https://u:secret@host/")
    EventLines().on_event(Finished(Outcome(named("a"), Status.FAILED, error=error, output="TOKEN=xyz\n")))
    line = capsys.readouterr().out
    assert json.loads(line)["state"] == "a"
    assert not any(secret in line for secret in ("abc123", "secret", "xyz"))
