"""``groundup reach --dry-run``: what would run, and why; nothing is evaluated."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from groundup.cli.account import names_text, write_lines
from groundup.cli.events import EventLines, reasons_data
from groundup.cli.running import Options, foreseen
from groundup.cli.tree import MANY

if TYPE_CHECKING:
    from groundup.dag.preview import Preview


def dry_run(names: Sequence[str], options: Options, *, as_json: bool = False) -> int:
    """Write to stdout what reaching `names`, else the configured target, would do.

    :raises UserError: a name is unknown or a parameter is wrong.
    """
    previews = foreseen(names, options)
    if as_json:
        lines = EventLines()
        for each in previews:
            lines.write({"event": "preview", **preview_data(each)})
        lines.write({"event": "report", "counts": _counts(previews)})
    else:
        write_lines(list(_lines(previews)), sys.stdout)
    return 0


def preview_data(preview: Preview) -> dict[str, Any]:
    """Return what would be done with a state as data for JSON."""
    return {
        "state": preview.state.name,
        "would": preview.would.value,
        "reasons": reasons_data(preview.reasons),
        "through": list(preview.through),
        "lacks_value": preview.lacks_value,
        "since": preview.since or None,
    }


def conditions(preview: Preview) -> str:
    """Return what would make a state run that may run, or is up to date so far."""
    found = []
    if preview.through:
        one_of = "one of " * (len(preview.through) > 1)
        found.append(f"{one_of}{names_text(preview.through)} gives something new")
    if preview.state.check:
        found.append("its own check says no")
    return " or ".join(found)


def _because(preview: Preview) -> str:
    from groundup.dag.preview import Would

    reasons = [reason.text for reason in preview.reasons]
    if preview.would is Would.MAY_RUN:
        reasons.append(f"if {conditions(preview)}")
    elif preview.would is Would.SKIP and preview.through:
        reasons.append(f"unless {conditions(preview)}")
    return "; ".join(reasons)


def _lines(previews: Sequence[Preview]) -> Iterator[str]:
    from groundup.dag.preview import Would

    width = max((len(preview.would.value) for preview in previews), default=0)
    of_interest = (Would.RUN, Would.MAY_RUN) if len(previews) > MANY else tuple(Would)
    for preview in previews:
        if preview.would in of_interest:
            why = _because(preview)
            yield f"{preview.would.value:<{width}}  {preview.state.name}{'  ' if why else ''}{why}"
    yield " · ".join(f"{would} {count}" for would, count in _counts(previews).items())


def _counts(previews: Sequence[Preview]) -> dict[str, int]:
    from groundup.dag.preview import Would

    counts = dict.fromkeys((would.value for would in Would), 0)
    for preview in previews:
        counts[preview.would.value] += 1
    return counts
