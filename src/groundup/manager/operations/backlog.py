"""What waits in the database, for whoever watches the manager."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.manager.operations.context import Session
from groundup.manager.store import backlog


@dataclass(frozen=True, slots=True)
class Backlog:
    """Node states that wait to be handed out, those that are, and how long the first of the former waits.

    Both numbers are at most 10,000: counting more costs more than it tells.
    """

    due: int
    claimed: int
    oldest_seconds: float


def measure(session: Session) -> Backlog:
    """What waits now, in all namespaces."""
    oldest = backlog.oldest_due(session.connection)
    waited = 0 if oldest is None else max(session.now - oldest, 0)
    return Backlog(
        due=backlog.count_due(session.connection, session.now),
        claimed=backlog.count_claimed(session.connection),
        oldest_seconds=waited / 1000,
    )
