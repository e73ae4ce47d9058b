"""``groundup doctor [--json]``: every check of the machine and the repository, and what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from groundup import proto_kernel
from groundup.cli.account import write_lines
from groundup.cli.progress import Progress, first_line, painter
from groundup.cli.running import Options, repository, run
from groundup.cli.tree import Paint, output_text
from groundup.dag import Outcome, Report, Status
from groundup.dag.errors import describe
from groundup.errors import GroundupError
from groundup.states.checks import checks

OK, ADVICE, FAILED, NOT_RUN = "ok", "advice", "failed", "not run"
MARKS = {OK: ("✓", "32"), ADVICE: ("!", "33"), FAILED: ("✗", "31"), NOT_RUN: ("·", "33")}


class Finding(NamedTuple):
    """What one check found.

    :ivar verdict: ``ok``, ``advice``, ``failed`` or ``not run``.
    :ivar text: what is so.
    :ivar hint: what to do; empty when there is nothing to do.
    :ivar output: the end of what it wrote, when it failed.
    """

    check: str
    verdict: str
    text: str
    hint: str = ""
    output: str = ""


def doctor(options: Options, *, as_json: bool = False) -> int:
    """Reach all checks, whatever fails, and write to stdout what each found; return 1 when one failed.

    :raises UserError: the configuration, a module of states or a parameter is wrong.
    """
    names = [state.name for state in checks(repository().graph)]
    report = run(names, Progress(), options._replace(keep_going=True))
    found = findings(report, names)
    if as_json:
        sys.stdout.write(json.dumps(_data(report, found), indent=2) + "\n")
    else:
        write_lines(list(_lines(found, painter(sys.stdout))), sys.stdout)
    return 0 if report.ok else 1


def findings(report: Report, names: list[str]) -> list[Finding]:
    """Return what the checks `names` found, and what failed that they need."""
    outcomes = (each for each in report.outcomes if each.state.name in names or each.status is Status.FAILED)
    return [_finding(outcome) for outcome in outcomes]


def _finding(outcome: Outcome) -> Finding:
    name, error = outcome.state.name, outcome.error
    if error is not None:
        hint = error.hint if isinstance(error, GroundupError) else f"see {outcome.state.source}"
        return Finding(name, FAILED, describe(error), hint, outcome.output)
    if outcome.status is Status.NOT_RUN:
        return Finding(name, NOT_RUN, f"{outcome.because} failed")
    if outcome.status is Status.SKIPPED:
        return Finding(name, OK, "up to date")
    hint = getattr(outcome.given, "hint", "")
    return Finding(name, ADVICE if hint else OK, output_text(outcome) or outcome.state.summary, str(hint))


def _lines(found: list[Finding], paint: Paint) -> Iterator[str]:
    width = max((len(each.check) for each in found), default=0)
    for each in found:
        mark, colour = MARKS[each.verdict]
        text = each.text.splitlines() if each.verdict == FAILED else [first_line(each.text)]
        yield f"{paint(mark, colour)} {each.check:<{width}}  {text[0] if text else ''}"
        yield from (f"  {line}" for line in text[1:])
        if each.hint:
            yield f"  {paint('hint:', '36')} {each.hint}"
        yield from (f"  │ {line}" for line in each.output.splitlines())
    yield " · ".join(f"{verdict} {sum(each.verdict == verdict for each in found)}" for verdict in MARKS)


def _data(report: Report, found: list[Finding]) -> dict[str, Any]:
    return {
        "status": "SUCCESS" if report.ok else "FAILURE",
        "seconds": round(report.seconds, 3),
        "checks": [
            {key: proto_kernel.mask(value) for key, value in each._asdict().items()} for each in found
        ],
    }
