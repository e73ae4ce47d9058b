"""The critical path of a run: what it would have to be made faster at."""

from __future__ import annotations

from collections.abc import Iterable

from groundup.dag.outcome import Outcome


def critical_path(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Return the chain of states, each needing the one before, whose evaluations took longest together.

    The time of a lazy parent is part of the time of who asked for it.

    :param outcomes: of one run, parents first.
    """
    totals: dict[str, float] = {}
    before: dict[str, Outcome | None] = {}
    by_name: dict[str, Outcome] = {}
    for outcome in outcomes:
        name = outcome.state.name
        parents = [parent for parent in outcome.state.eager_parents if parent in totals]
        longest = max(parents, key=totals.__getitem__, default=None)
        before[name] = by_name[longest] if longest else None
        totals[name] = outcome.seconds + (totals[longest] if longest else 0.0)
        by_name[name] = outcome
    last = max(totals, key=totals.__getitem__, default=None)
    return _chain(by_name[last] if last else None, before)


def _chain(last: Outcome | None, before: dict[str, Outcome | None]) -> tuple[Outcome, ...]:
    chain = []
    while last is not None:
        chain.append(last)
        last = before[last.state.name]
    return tuple(reversed(chain))
