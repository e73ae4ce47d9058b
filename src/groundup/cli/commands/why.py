"""``groundup why STATE [--json]``: what makes a state not up to date, and through which parents."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundup.cli.account import write_lines
from groundup.cli.commands.dry_run import conditions, preview_data
from groundup.cli.running import Options, foreseen, repository
from groundup.dag.rendering import draw_tree

if TYPE_CHECKING:
    from groundup.dag.preview import Preview

INDENT = " "
ANNOTATE = "annotate what it returns with a type whose values can be written as JSON"


def why(name: str, options: Options, *, as_json: bool = False) -> int:
    """Write to stdout whether the state `name` is up to date, and if not, why; nothing is evaluated.

    :raises UserError: there is no such state, or a parameter is wrong.
    """
    previews = {each.state.name: each for each in foreseen([name], options)}
    causes = causes_of(previews.values())
    if as_json:
        reached = _reached(name, causes)
        chain = [_data(each) for each in previews.values() if each.state.name in reached]
        data = {**_data(previews[name]), "causes": chain}
        sys.stdout.write(json.dumps(data, indent=2) + "\n")
    else:
        write_lines(list(_lines(name, previews, causes)), sys.stdout)
    return 0


def causes_of(previews: Iterable[Preview]) -> dict[str, list[str]]:
    """Return for each state the parents through which something new can reach it.

    :param previews: parents first.
    """
    from groundup.dag.preview import Would

    causes: dict[str, list[str]] = {}
    uncertain = set()
    for each in previews:
        name = each.state.name
        parents = dict.fromkeys((*each.state.parents, *each.through))
        causes[name] = [parent for parent in parents if parent in uncertain]
        if each.would in (Would.RUN, Would.MAY_RUN) or causes[name]:
            uncertain.add(name)
    return causes


def _lines(name: str, previews: Mapping[str, Preview], causes: Mapping[str, Sequence[str]]) -> Iterable[str]:
    drawn: set[str] = set()

    def expand(name: str) -> tuple[Sequence[str], Sequence[str]]:
        each = previews[name]
        head = f"{name} {_verdict(each)}"
        if name in drawn:
            return [f"{head} …"], []
        drawn.add(name)
        return [head, *(f"{INDENT}{line}" for line in _details(each))], causes[name]

    return draw_tree([name], expand)


def _verdict(preview: Preview) -> str:
    from groundup.dag.preview import Would

    since = f" since {_time(preview.since)}" if preview.since else ""
    if preview.would is Would.RUN:
        return f"is not up to date; it was done at {_time(preview.since)}" if since else "is not up to date"
    if preview.would is Would.ALWAYS:
        return "is evaluated every time: it declares no inputs, no outputs, and no check"
    if preview.would is Would.SKIP and not preview.through:
        return f"is up to date{since}"
    if preview.reasons:
        return "runs, unless its own check says that nothing is to be done"
    return f"is up to date{since}, unless {conditions(preview)}"


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _details(preview: Preview) -> Iterator[str]:
    yield from (reason.text for reason in preview.reasons)
    if {reason.kind for reason in preview.reasons} == {"value"}:
        yield ANNOTATE
    elif preview.lacks_value and not preview.reasons:
        yield f"its value is not kept, so it runs whenever that is needed: {ANNOTATE}"
    yield from (f"input {pattern} matches nothing" for pattern in _unmatched(preview))


def _data(preview: Preview) -> dict[str, Any]:
    return {**preview_data(preview), "unmatched_inputs": list(_unmatched(preview))}


def _unmatched(preview: Preview) -> Sequence[str]:
    from groundup.dag.uptodate.unmatched import unmatched_inputs

    return unmatched_inputs(preview.state, repository().config.root)


def _reached(name: str, causes: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    open_ = list(causes[name])
    while open_:
        cause = open_.pop()
        if cause not in found:
            found.add(cause)
            open_.extend(causes[cause])
    return found
