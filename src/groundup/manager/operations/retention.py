"""What is kept, and for how long."""

from __future__ import annotations

from groundup.manager.operations.context import Session
from groundup.manager.store import removal, triggers

_RUNS_AT_ONCE = 50
_TICKS_AT_ONCE = 500


def remove_runs(session: Session) -> int:
    """Remove some of the runs that ended long enough ago; gives their number."""
    keep = session.context.settings.keep_runs
    if keep is None:
        return 0
    return removal.finished_runs(session.connection, session.now - keep, _RUNS_AT_ONCE)


def remove_ticks(session: Session) -> int:
    """Remove some of the times of triggers that are long over; gives their number."""
    before = session.now - session.context.settings.keep_ticks
    return triggers.forget(session.connection, before, _TICKS_AT_ONCE)
