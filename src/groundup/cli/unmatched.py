"""States of clients that ran although none of their inputs is there, which is hardly meant so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from groundup.cli.progress import EVALUATED
from groundup.cli.running import Repository
from groundup.dag import AnyState, Report
from groundup.errors import GroundupError
from groundup.states.origin import Kind


def unmatched(report: Report, here: Repository) -> dict[str, tuple[str, ...]]:
    """Return the inputs of each such state by its name.

    A single input that is not there yet is in order: the state runs when it comes.
    """
    return {state.name: state.inputs for state in _suspects(report, here) if _has_none(state, here)}


def _suspects(report: Report, here: Repository) -> Iterator[AnyState]:
    for outcome in report.outcomes:
        state = outcome.state
        if (
            state.inputs
            and outcome.status in EVALUATED
            and here.graph.origin(state).kind is not Kind.BUILT_IN
        ):
            yield state


def _has_none(state: AnyState, here: Repository) -> bool:
    from groundup.dag.uptodate.unmatched import unmatched_inputs

    with suppress(GroundupError):  # what cannot be read was an error of the state
        return len(unmatched_inputs(state, here.config.root)) == len(state.inputs)
    return False
