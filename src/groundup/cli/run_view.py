"""A run as a person sees it: its node states with what they follow, as a tree or as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from groundup.cli.progress import first_line
from groundup.dag.output.text import plain

if TYPE_CHECKING:
    from groundup.nodes import StateManager

MOST_INDENTED = 20  # levels; what is deeper stands at the same place
MARKS = {
    "CREATED": "·",
    "QUEUED": "→",
    "EXECUTED": "→",
    "SUCCESS": "✓",
    "PRUNED": "-",
    "RETRY_CREATED": "↻",
    "ERRORED": "✗",
    "NEXT_CREATED_ERROR": "✗",
}


@dataclass(frozen=True, slots=True)
class StateView:
    """One node state.

    :ivar attempt: counted from 1; None where the manager does not tell.
    :ivar parent: id of the one that it follows.
    """

    id: str
    identifier: str
    node_name: str
    status: str
    attempt: int | None
    error: str | None
    parent: str | None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its node states, in the order of their creation."""

    run_id: str
    flow: str
    status: str
    states: tuple[StateView, ...]

    def data(self) -> dict[str, Any]:
        """As data for machines."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """As a tree."""
        yield f"{self.flow} {self.run_id} {self.status}"
        followers: dict[str | None, list[StateView]] = {}
        for state in self.states:
            followers.setdefault(state.parent, []).append(state)
        waiting = _branches("", followers.get(None, ()))
        while waiting:
            before, indent, state = waiting.pop()
            yield f"{before}{_line(state)}"
            waiting += _branches(indent, followers.get(state.id, ()))


def _branches(indent: str, states: Sequence[StateView]) -> list[tuple[str, str, StateView]]:
    """What stands before each of ``states``, and before what follows it; the last first."""
    inner = indent if len(indent) < 3 * MOST_INDENTED else indent[3:]
    last = len(states) - 1
    return [
        (f"{inner}{'└─ ' if n == last else '├─ '}", f"{inner}{'   ' if n == last else '│  '}", state)
        for n, state in reversed(list(enumerate(states)))
    ]


def _line(state: StateView) -> str:
    attempt = f", attempt {state.attempt}" if state.attempt and state.attempt > 1 else ""
    error = f": {plain(first_line(state.error))}" if state.error else ""
    return f"{MARKS.get(state.status, '?')} {state.identifier} {state.status}{attempt}{error}"


async def view_of(client: StateManager, run_id: str) -> RunView:
    """Return a run as it is now.

    :raises StateManagerError: there is none.
    """
    from groundup.nodes.errors import NotOfferedError

    graph = await client.get_run(run_id)
    attempts: dict[str, int] = {}
    status = graph.status.value
    try:
        status = (await client.describe_run(run_id)).status.value
        attempts = {state.id: state.retry_count + 1 for state in await client.list_states(run_id)}
    except NotOfferedError:
        pass
    parents = {edge.target: edge.source for edge in graph.edges}
    states = tuple(
        StateView(
            id=node.id,
            identifier=node.identifier,
            node_name=node.node_name,
            status=node.status.value,
            attempt=attempts.get(node.id),
            error=node.error,
            parent=parents.get(node.id),
        )
        for node in graph.nodes
    )
    return RunView(run_id, graph.graph_name, status, states)
