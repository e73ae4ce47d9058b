"""Node states: claims, leases, transitions.

Statements are built once: putting them together costs more than running them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Update,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    null,
    select,
    union_all,
    update,
)

from groundup.manager.engine.model import Effects, NodeState
from groundup.manager.errors import ChangedMeanwhileError
from groundup.manager.store.json_text import encode
from groundup.manager.store.prepared import ForEach, Given, Statement, among
from groundup.manager.store.rows import NAMES, NUMBERS, as_state, state_of, values_of
from groundup.manager.store.schema import group_members, node_states
from groundup.nodes.wire import UNFINISHED, StateStatus

# As literals, so that the planner may use the partial indexes.
_IS_CREATED = node_states.c.status == literal_column("'CREATED'")
_IS_QUEUED = node_states.c.status == literal_column("'QUEUED'")

_ID = re.compile(r"[0-9a-f]{24}")
BY_ID = select(node_states).where(node_states.c.id == bindparam("state_id"))


def find(connection: Connection, state_id: str) -> NodeState | None:
    """The node state with this id, whatever that is."""
    if not _ID.fullmatch(state_id):
        return None
    row = connection.execute(BY_ID, {"state_id": state_id}).one_or_none()
    return None if row is None else as_state(row)


_COLUMNS = tuple(node_states.c[name] for name in NAMES)
_BY_IDS = Statement(lambda dialect: select(*_COLUMNS).where(among(node_states.c.id, "state_ids", dialect)))


def find_all(connection: Connection, state_ids: Iterable[str]) -> dict[str, NodeState]:
    """The node states with these ids, by id."""
    wanted = sorted({state_id for state_id in state_ids if _ID.fullmatch(state_id)})
    rows = _BY_IDS.execute(connection, {"state_ids": encode(wanted)}) if wanted else ()
    return {state.id: state for state in map(state_of, rows)}


def _adding(given: Given) -> Insert:
    values = {name: given(name) for name in NAMES}
    if all(isinstance(value, BindParameter) for value in values.values()):
        return insert(node_states).values(values)
    return insert(node_states).from_select(list(values), select(*values.values()))


_ADD = ForEach(NAMES, NUMBERS, _adding)
_ADD_MEMBER = insert(group_members)


def add(connection: Connection, states: Sequence[NodeState]) -> None:
    """Insert node states and note the groups that they belong to."""
    if not states:
        return
    _ADD.execute(connection, [values_of(state) for state in states])
    members = [
        {"group_id": group, "state_id": state.id} for state in states for group in set(state.joins.values())
    ]
    if members:
        connection.execute(_ADD_MEMBER, members)


_CHANGED_NAMES = ("status", "outputs", "data", "error", "enqueue_after", "outcome", "updated_at")
_SAME_NAMES = ("same_id", "same_status", "same_claims")


def _applying(given: Given) -> Update:
    return (
        update(node_states)
        .where(
            node_states.c.id == given("same_id"),
            node_states.c.status == given("same_status"),
            node_states.c.claims == given("same_claims"),
        )
        .values({name: given(name) for name in _CHANGED_NAMES} | {"lease_until": null()})
    )


_APPLY = ForEach((*_CHANGED_NAMES, *_SAME_NAMES), NUMBERS | {"same_claims"}, _applying)


def apply(connection: Connection, before: NodeState, effects: Effects) -> None:
    """Write what a transition did, provided that the node state is still as it was.

    :raises ChangedMeanwhileError: when another transition came first.
    """
    apply_all(connection, [(before, effects)])


def apply_all(connection: Connection, changes: Sequence[tuple[NodeState, Effects]]) -> None:
    """Write what transitions of different node states did, provided that each is still as it was.

    :raises ChangedMeanwhileError: when another transition of one of them came first.
    """
    values = [_change(before, effects.state) for before, effects in changes]
    if not values:
        return
    if _APPLY.execute(connection, values) != len(values):
        names = changes[0][0].id if len(changes) == 1 else f"one of {len(changes)}"
        raise ChangedMeanwhileError(f"node state {names} changed meanwhile", hint="try again")
    add(connection, [new for _, effects in changes for new in effects.created])


def _change(before: NodeState, after: NodeState) -> dict[str, Any]:
    return {
        "status": after.status.value,
        "outputs": encode(after.outputs),
        "data": None if after.data is None else encode(after.data),
        "error": after.error,
        "enqueue_after": after.enqueue_after,
        "outcome": None if after.outcome is None else encode(after.outcome),
        "updated_at": after.updated_at,
        "same_id": before.id,
        "same_status": before.status.value,
        "same_claims": before.claims,
    }


@dataclass(frozen=True, slots=True)
class Demand:
    """What a worker can take: up to ``limit`` node states of these nodes, held for ``lease`` milliseconds."""

    namespace: str
    names: Sequence[str]
    limit: int
    lease: int


class Claimed(NamedTuple):
    """What a worker is told of a node state, ``inputs`` as JSON; they are handed out in this order."""

    enqueue_after: int
    seq: int
    id: str
    token: str
    node_name: str
    identifier: str
    inputs: str
    created_at: int
    flow_version: int
    run_id: str
    retry_count: int
    timeout: int | None


def claim(connection: Connection, demand: Demand, now: int) -> list[Claimed]:
    """Claim what is due, the longest first."""
    names = list(dict.fromkeys(demand.names))
    if demand.limit <= 0 or not names:
        return []
    values = {
        "wanted": demand.namespace,
        "now": now,
        "most": demand.limit,
        "new_token": secrets.token_hex(8),
        "until": now + demand.lease,
        **{f"name_{index}": name for index, name in enumerate(names)},
    }
    return sorted(map(Claimed._make, _claiming(len(names)).execute(connection, values)))


@lru_cache(maxsize=256)
def _claiming(names: int) -> Statement:
    told = [node_states.c[name] for name in Claimed._fields]
    return Statement(lambda dialect: claim_statement(names, dialect).returning(*told))


_DEADLINE = bindparam("now", type_=BigInteger) + node_states.c.timeout  # null without a time-out


def _earlier(lease: ColumnElement[int], deadline: ColumnElement[int]) -> ColumnElement[int]:
    """The end of a lease, which does not outlast the deadline where there is one."""
    return case((deadline < lease, deadline), else_=lease)


def claim_statement(names: int, dialect: str) -> Update:
    """The statement for so many node names.

    Each name is looked up on its own, so that the index gives the first in order however many are waiting.
    Where several write at the same time, what another one claims just now is passed over.
    """
    arms = [_due(f"name_{index}") for index in range(names)]
    if dialect == "postgresql":
        arms = [arm.with_for_update(skip_locked=True) for arm in arms]
    due = union_all(*(select(arm.subquery()) for arm in arms)).subquery()
    first = select(due.c.seq).order_by(due.c.enqueue_after, due.c.seq).limit(bindparam("most"))
    chosen = select(first.cte("chosen").prefix_with("MATERIALIZED", dialect="postgresql").c.seq)
    values = {
        "status": StateStatus.QUEUED.value,
        "token": bindparam("new_token"),
        "claims": node_states.c.claims + 1,
        "lease_until": _earlier(bindparam("until", type_=BigInteger), _DEADLINE),
        "deadline": _DEADLINE,
        "updated_at": bindparam("now"),
    }
    return update(node_states).where(_IS_CREATED, node_states.c.seq.in_(chosen)).values(values)


def _due(name: str) -> Select[Any]:
    return (
        select(node_states.c.seq, node_states.c.enqueue_after)
        .where(
            _IS_CREATED,
            node_states.c.namespace == bindparam("wanted"),
            node_states.c.node_name == bindparam(name),
            node_states.c.enqueue_after <= bindparam("now"),
        )
        .order_by(node_states.c.enqueue_after, node_states.c.seq)
        .limit(bindparam("most"))
    )


def next_due(connection: Connection, namespace: str, names: Sequence[str]) -> int | None:
    """When the next node state for these nodes is due."""
    query = select(func.min(node_states.c.enqueue_after)).where(
        _IS_CREATED, node_states.c.namespace == namespace, node_states.c.node_name.in_(names)
    )
    return connection.execute(query).scalar()


_CLAIM = node_states.c.id + literal_column("'.'") + node_states.c.token


def _held(dialect: str) -> Update:
    """What changes the claims ``wanted`` as far as they hold; ``ids`` finds them by their index."""
    held = _IS_QUEUED & among(node_states.c.id, "ids", dialect) & among(_CLAIM, "wanted", dialect)
    return update(node_states).where(held).returning(_CLAIM)


_RENEW = Statement(
    lambda dialect: _held(dialect).values(
        lease_until=_earlier(bindparam("until", type_=BigInteger), node_states.c.deadline)
    )
)
_RELEASE = Statement(
    lambda dialect: _held(dialect).values(
        status=StateStatus.CREATED.value, lease_until=null(), updated_at=bindparam("now")
    )
)


def renew(connection: Connection, wanted: Sequence[str], lease_until: int) -> set[str]:
    """Prolong claims, each ``<id>.<token>``; gives those that hold."""
    values = {**_named(wanted), "until": lease_until}
    return {row[0] for row in _RENEW.execute(connection, values)}


def release(connection: Connection, wanted: Sequence[str], now: int) -> set[str]:
    """Give claims back unused, each ``<id>.<token>``; gives those that held."""
    return {row[0] for row in _RELEASE.execute(connection, {**_named(wanted), "now": now})}


def _named(wanted: Sequence[str]) -> dict[str, str]:
    return {"ids": encode([text.partition(".")[0] for text in wanted]), "wanted": encode(list(wanted))}


_OVERDUE = (
    select(node_states)
    .where(
        _IS_QUEUED,
        node_states.c.lease_until < bindparam("now"),
        node_states.c.updated_at >= bindparam("claimed_since"),
    )
    .order_by(node_states.c.lease_until)
    .limit(bindparam("most"))
)


def overdue(connection: Connection, now: int, claimed_since: int, limit: int) -> list[NodeState]:
    """Node states that were claimed since a moment and whose lease ran out, the longest first."""
    values = {"now": now, "claimed_since": claimed_since, "most": limit}
    return [as_state(row) for row in connection.execute(_OVERDUE, values)]


def end_unfinished(connection: Connection, run_id: str, error: str, now: int) -> int:
    """Let everything of a run that waits or is executed fail; gives how much that was."""
    unfinished = node_states.c.status.in_(sorted(UNFINISHED))
    values = {"status": StateStatus.ERRORED.value, "error": error, "lease_until": None, "updated_at": now}
    here = (node_states.c.run_id == run_id) & unfinished
    return connection.execute(update(node_states).where(here).values(values)).rowcount


def with_statuses(connection: Connection, run_id: str, statuses: Iterable[StateStatus]) -> list[NodeState]:
    """Node states of a run in any of these statuses, in the order of their creation."""
    here = (node_states.c.run_id == run_id) & node_states.c.status.in_(sorted(statuses))
    query = select(node_states).where(here).order_by(node_states.c.seq)
    return [as_state(row) for row in connection.execute(query)]


def manual_token_exists(connection: Connection, run_id: str, prefix: str) -> bool:
    """Whether a node state of a run was retried by hand under a token with this beginning."""
    found = (node_states.c.run_id == run_id) & node_states.c.manual_token.startswith(prefix, autoescape=True)
    return bool(connection.execute(select(exists().where(found))).scalar())


def manual_retry_exists(connection: Connection, state: NodeState, token: str) -> bool:
    """Whether a node state was retried by hand under ``token`` before."""
    found = (
        (node_states.c.run_id == state.run_id)
        & (node_states.c.identifier == state.identifier)
        & (node_states.c.manual_token == token)
    )
    return bool(connection.execute(select(exists().where(found))).scalar())
