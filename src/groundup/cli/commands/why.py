"""``groundup why STATE [--json]``: what makes a state not up to date, and through which parents."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from groundup.cli.account import write_lines
from groundup.cli.commands.dry_run import because, preview_data
from groundup.cli.running import Options, foreseen
from groundup.dag.rendering import draw_tree

if TYPE_CHECKING:
    from groundup.dag.preview import Preview

INDENT = " "
EXPLAINED = {
    "runs": "is not up to date",
    "may run": "is up to date, unless what it depends on gives something new",
    "up to date": "is up to date",
    "evaluated every time": "is evaluated every time: it declares no inputs, no outputs, and no check",
}


def why(name: str, options: Options, *, as_json: bool = False) -> int:
    """Write to stdout whether the state `name` is up to date, and if not, why; nothing is evaluated.

    :raises UserError: there is no such state, or a parameter is wrong.
    """
    previews = {each.state.name: each for each in foreseen([name], options)}
    causes = causes_of(previews.values())
    if as_json:
        chain = [
            preview_data(each) for each in previews.values() if each.state.name in _reached(name, causes)
        ]
        data = {**preview_data(previews[name]), "causes": chain}
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
        head = f"{name} {EXPLAINED[each.would.value]}"
        if name in drawn:
            return [f"{head} …"], []
        drawn.add(name)
        return [head, *(f"{INDENT}{reason}" for reason in because(each))], causes[name]

    return draw_tree([name], expand)


def _reached(name: str, causes: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    open_ = list(causes[name])
    while open_:
        cause = open_.pop()
        if cause not in found:
            found.add(cause)
            open_.extend(causes[cause])
    return found
