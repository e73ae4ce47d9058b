"""Flows and their versions. A version never changes; a run keeps the one that it was triggered with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, exists, insert, select, update

from groundup.manager.clock import new_state_id
from groundup.manager.engine.model import Flow, FlowDocument
from groundup.manager.store.schema import flow_versions, flows, runs

_CACHED_VERSIONS = 256


@dataclass(frozen=True, slots=True)
class Version:
    """A version to save; ``key_id`` names the key of its secrets."""

    document: FlowDocument
    errors: list[str]
    key_id: str


def save(connection: Connection, place: tuple[str, str], new: Version, now: int) -> int:
    """Make ``new`` the newest version of the flow at ``place``, which is (namespace, name).

    Gives the number of the flow.
    """
    flow = _flow_number(connection, place, now)
    values = {
        "flow": flow,
        "document": new.document.model_dump(mode="json"),
        "errors": new.errors,
        "key_id": new.key_id,
        "created_at": now,
    }
    version = connection.execute(
        insert(flow_versions).values(values).returning(flow_versions.c.seq)
    ).scalar_one()
    connection.execute(update(flows).where(flows.c.seq == flow).values(version=version))
    remove_unused_versions(connection, flow, version)
    return flow


def remove_unused_versions(connection: Connection, flow: int, version: int | None) -> None:
    """Remove the versions of ``flow`` that no run was triggered with, except ``version``."""
    unused = ~exists(select(runs.c.seq).where(runs.c.flow_version == flow_versions.c.seq))
    old = (flow_versions.c.flow == flow) & (flow_versions.c.seq != (version or 0))
    connection.execute(delete(flow_versions).where(old & unused))


def number(connection: Connection, namespace: str, name: str) -> int | None:
    """The number of a flow that was not removed."""
    here = (flows.c.namespace == namespace) & (flows.c.name == name) & flows.c.version.is_not(None)
    return connection.execute(select(flows.c.seq).where(here)).scalar()


def remove(connection: Connection, flow: int) -> None:
    """Remove a flow; versions of it go when no run has them any more."""
    connection.execute(update(flows).where(flows.c.seq == flow).values(version=None))
    remove_unused_versions(connection, flow, None)
    remove_without_versions(connection, flow)


def remove_without_versions(connection: Connection, flow: int) -> None:
    """Remove what is left of a removed flow, unless runs have versions of it."""
    used = exists(select(flow_versions.c.seq).where(flow_versions.c.flow == flow))
    connection.execute(delete(flows).where(flows.c.seq == flow, flows.c.version.is_(None), ~used))


def _flow_number(connection: Connection, place: tuple[str, str], now: int) -> int:
    namespace, name = place
    query = select(flows.c.seq).where(flows.c.namespace == namespace, flows.c.name == name)
    known = connection.execute(query).scalar()
    if known is not None:
        return int(known)
    values = {"id": new_state_id(), "namespace": namespace, "name": name, "created_at": now}
    return int(connection.execute(insert(flows).values(values).returning(flows.c.seq)).scalar_one())


def _current() -> Select[Any]:
    return select(
        flows.c.id,
        flows.c.namespace,
        flows.c.name,
        flows.c.version,
        flows.c.created_at,
        flow_versions.c.document,
        flow_versions.c.errors,
        flow_versions.c.created_at.label("updated_at"),
    ).join(flow_versions, flow_versions.c.seq == flows.c.version)


def _may_be(name: str) -> bool:
    """Whether there may be a flow of that name: no database keeps a NUL, and not all can look for one."""
    return "\0" not in name


def find(connection: Connection, namespace: str, name: str) -> Row[Any] | None:
    """The newest version of a flow."""
    if not _may_be(name):
        return None
    query = _current().where(flows.c.namespace == namespace, flows.c.name == name)
    return connection.execute(query).one_or_none()


def in_namespace(connection: Connection, namespace: str) -> Sequence[Row[Any]]:
    """The newest versions of the flows of ``namespace`` in the order of their creation."""
    query = _current().where(flows.c.namespace == namespace).order_by(flows.c.seq)
    return connection.execute(query).all()


_CURRENT_VERSION = (
    select(flows.c.version, flow_versions.c.errors)
    .join(flow_versions, flow_versions.c.seq == flows.c.version)
    .where(flows.c.namespace == bindparam("wanted_namespace"), flows.c.name == bindparam("wanted_name"))
)


def current_version(connection: Connection, namespace: str, name: str) -> Row[Any, Any] | None:
    """Number and errors of the newest version of a flow."""
    if not _may_be(name):
        return None
    values = {"wanted_namespace": namespace, "wanted_name": name}
    return connection.execute(_CURRENT_VERSION, values).one_or_none()


def key_ids(connection: Connection) -> set[str | None]:
    """The keys that secrets are encrypted with; None where that was not noted."""
    return set(connection.execute(select(flow_versions.c.key_id).distinct()).scalars())


def with_other_key(connection: Connection, key_id: str, most: int) -> Sequence[Row[Any, Any]]:
    """Versions whose secrets are encrypted with another key, or one that was not noted."""
    other = flow_versions.c.key_id.is_distinct_from(key_id)
    query = select(flow_versions.c.seq, flow_versions.c.document).where(other).order_by(flow_versions.c.seq)
    return connection.execute(query.limit(most).with_for_update(skip_locked=True)).all()


def set_document(connection: Connection, version: int, document: dict[str, Any], key_id: str) -> None:
    """Replace what is kept of a version by the same under another key."""
    values = {"document": document, "key_id": key_id}
    connection.execute(update(flow_versions).where(flow_versions.c.seq == version).values(values))


class FlowCache:
    """Parsed versions of flows; since versions never change, they are read once."""

    def __init__(self, size: int = _CACHED_VERSIONS) -> None:
        self._flows: OrderedDict[int, Flow] = OrderedDict()
        self._size = size
        self._lock = Lock()

    def clear(self) -> None:
        """Forget everything: numbers of versions that were rolled back are given again."""
        with self._lock:
            self._flows.clear()

    def get(self, connection: Connection, version: int) -> Flow:
        """The flow of ``version``, which must exist."""
        with self._lock:
            flow = self._flows.get(version)
            if flow is not None:
                self._flows.move_to_end(version)
                return flow
        flow = _load(connection, version)
        with self._lock:
            self._flows[version] = flow
            if len(self._flows) > self._size:
                self._flows.popitem(last=False)
        return flow


def _load(connection: Connection, version: int) -> Flow:
    query = (
        select(flows.c.namespace, flows.c.name, flow_versions.c.document)
        .join(flows, flows.c.seq == flow_versions.c.flow)
        .where(flow_versions.c.seq == version)
    )
    row = connection.execute(query).one()
    return Flow(version, row.namespace, row.name, FlowDocument.model_validate(row.document))
