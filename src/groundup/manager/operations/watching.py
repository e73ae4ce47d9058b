"""What changed since somebody looked last, found in the database, whichever manager did it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from groundup.manager.clock import moment
from groundup.manager.operations import runs as run_operations
from groundup.manager.operations.context import Session
from groundup.manager.store import listing
from groundup.nodes.wire import extensions

_OVERLAP_MS = 5_000  # what another manager wrote earlier may be committed later
_WATCHED_RUNS = 500


@dataclass(frozen=True, slots=True)
class Event:
    """Something that changed; ``number`` may be given back as the place to go on from."""

    name: str
    number: int
    data: dict[str, Any]


@dataclass(slots=True)
class RunWatch:
    """The node states of one run; ``since`` in milliseconds."""

    namespace: str
    run_id: str
    since: int = 0
    ended: bool = False
    _seen: dict[str, tuple[str, int]] = field(default_factory=dict)
    _status: extensions.RunState | None = None

    def look(self, session: Session) -> list[Event]:
        """What changed since the last look; afterwards ``ended`` says whether the run has.

        :raises NotFoundError: when there is no such run.
        """
        run = run_operations.get_run(session, self.namespace, self.run_id)
        rows = listing.changed_states(session.connection, self.run_id, self.since - _OVERLAP_MS)
        events = [self._event(row) for row in rows if self._seen.get(row.id) != (row.status, row.updated_at)]
        self._seen.update({row.id: (row.status, row.updated_at) for row in rows})
        self.since = max([self.since, *(row.updated_at for row in rows)])
        if run.status is not self._status:
            events.append(Event("run", self.since, run.model_dump(mode="json")))
        self._status = run.status
        self.ended = run.status is not extensions.RunState.PENDING
        return events

    def _event(self, row: Any) -> Event:
        data = {
            "id": row.id,
            "run_id": self.run_id,
            "node_name": row.node_name,
            "identifier": row.identifier,
            "status": row.status,
            "error": row.error,
            "updated_at": moment(row.updated_at).isoformat(),
        }
        return Event("state", row.updated_at, data)


@dataclass(slots=True)
class NamespaceWatch:
    """The latest runs of a namespace."""

    namespace: str
    since: int = 0
    ended: bool = False
    _statuses: dict[str, extensions.RunState] | None = None

    def look(self, session: Session) -> list[Event]:
        """Runs that are new or have another status; at first those that have not ended."""
        wanted = extensions.RunFilter(limit=_WATCHED_RUNS)
        found = run_operations.list_runs(session, self.namespace, wanted).runs
        changed = [run for run in reversed(found) if self._is_news(run)]
        self._statuses = {run.run_id: run.status for run in found}
        return [Event("run", session.now, run.model_dump(mode="json")) for run in changed]

    def _is_news(self, run: extensions.RunInfo) -> bool:
        if self._statuses is None:
            return run.status is extensions.RunState.PENDING
        return self._statuses.get(run.run_id) is not run.status


Watch = RunWatch | NamespaceWatch


def look(session: Session, watch: Watch) -> list[Event]:
    """What changed since ``watch`` looked last."""
    return watch.look(session)
