"""What the engine asks about a run, answered within the transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, or_, select

from groundup.manager.engine.model import Member, NodeState
from groundup.manager.store import runs
from groundup.manager.store.json_text import decode, encode
from groundup.manager.store.prepared import Statement, among
from groundup.manager.store.rows import as_state
from groundup.manager.store.schema import group_members, node_states
from groundup.manager.store.states import BY_ID
from groundup.nodes.wire import StateStatus

_OUTPUTS = Statement(
    lambda dialect: select(node_states.c.id, node_states.c.outputs).where(
        among(node_states.c.id, "state_ids", dialect)
    )
)
_GROUP_COUNTS = (
    select(
        node_states.c.identifier, node_states.c.status, node_states.c.through, func.count().label("number")
    )
    .join(group_members, group_members.c.state_id == node_states.c.id)
    .where(group_members.c.group_id == bindparam("wanted_group"))
    .group_by(node_states.c.identifier, node_states.c.status, node_states.c.through)
)
_MEMBERS = (
    select(node_states)
    .where(
        node_states.c.run_id == bindparam("wanted_run"),
        node_states.c.identifier == bindparam("wanted_identifier"),
        or_(
            node_states.c.fanout == bindparam("wanted_group"),
            node_states.c.id.in_(
                select(group_members.c.state_id).where(group_members.c.group_id == bindparam("wanted_group"))
            ),
        ),
    )
    .order_by(node_states.c.seq)
)
_JOIN_EXISTS = select(
    exists().where(
        node_states.c.run_id == bindparam("wanted_run"), node_states.c.join_key == bindparam("wanted_key")
    )
)


class RunView:
    """Answers :class:`~groundup.manager.engine.model.View` from the database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outputs: dict[str, Mapping[str, Any]] = {}

    def prepare(self, state_ids: Collection[str]) -> None:
        """Read the outputs of many node states at once; those that are asked for later are among them."""
        if state_ids:
            rows = _OUTPUTS.execute(self._connection, {"state_ids": encode(sorted(state_ids))})
            self._outputs.update((row.id, decode(row.outputs)) for row in rows)

    def outputs(self, state_ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
        """Outputs of node states, by id."""
        wanted = list(state_ids)
        self.prepare([state_id for state_id in wanted if state_id not in self._outputs])
        return {state_id: self._outputs[state_id] for state_id in wanted if state_id in self._outputs}

    def store_values(self, run_id: str) -> Mapping[str, str]:
        """The store of the run."""
        return runs.stored_values(self._connection, run_id)

    def state(self, state_id: str) -> NodeState:
        """One node state, which must exist."""
        return as_state(self._connection.execute(BY_ID, {"state_id": state_id}).one())

    def members(self, run_id: str, group: str, identifier: str) -> list[NodeState]:
        """Node states at ``identifier`` that belong to or descend from ``group``, in order of creation."""
        values = {"wanted_run": run_id, "wanted_group": group, "wanted_identifier": identifier}
        return [as_state(row) for row in self._connection.execute(_MEMBERS, values)]

    def group_counts(self, group: str) -> dict[Member, int]:
        """How many node states of ``group`` there are of each kind."""
        rows = self._connection.execute(_GROUP_COUNTS, {"wanted_group": group})
        return {
            Member(row.identifier, StateStatus(row.status), tuple(row.through)): row.number for row in rows
        }

    def join_exists(self, run_id: str, join_key: str) -> bool:
        """Whether the join was created before."""
        values = {"wanted_run": run_id, "wanted_key": join_key}
        return bool(self._connection.execute(_JOIN_EXISTS, values).scalar())
