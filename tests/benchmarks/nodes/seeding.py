"""Flows and runs put into a database by the store itself, as if a manager had been asked for each of them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from functools import partial

from sqlalchemy import Connection, insert

from groundup.manager.clock import now_ms
from groundup.manager.engine import runs as engine_runs
from groundup.manager.operations import flows
from groundup.manager.operations.context import Context, Session
from groundup.manager.secrets import SecretCipher
from groundup.manager.store import states
from groundup.manager.store.database import Database
from groundup.manager.store.flows import current_version
from groundup.manager.store.schema import node_states, runs
from groundup.nodes.base import registration
from groundup.nodes.wire import NodeRegistration, RegisterNodesRequest, TriggerRequest, UpsertGraphRequest
from tests.benchmarks.nodes.work import FLOW, NAMESPACE, NODES, flow_nodes
from tests.support.managers import SECRETS_KEY

_AT_ONCE = 10_000


@contextlib.contextmanager
def opened(address: str) -> Iterator[Database]:
    """Open a database and close it; its tables are made when they are missing."""
    with contextlib.closing(Database(address)) as database:
        yield database


def prepare(address: str, chain: int = 2) -> None:
    """Register the nodes and save the flow, a chain of so many."""
    request = RegisterNodesRequest(
        runtime_name="bench", nodes=[NodeRegistration.model_validate(registration(node)) for node in NODES]
    )
    graph = UpsertGraphRequest.model_validate({"secrets": {}, "nodes": flow_nodes(chain)})

    def work(connection: Connection) -> None:
        session = session_of(connection)
        flows.register_nodes(session, NAMESPACE, request)
        flows.save_flow(session, NAMESPACE, FLOW, graph)

    with opened(address) as database:
        database.write(work).result()


def add_runs(address: str, number: int) -> None:
    """Start so many runs of the flow, many in a transaction."""
    with opened(address) as database:
        for begun in range(0, number, _AT_ONCE):
            size = min(_AT_ONCE, number - begun)
            database.write(partial(start_runs, number=size)).result()


def session_of(connection: Connection) -> Session:
    return Session(connection, Context(SecretCipher(SECRETS_KEY)), now_ms())


def start_runs(connection: Connection, number: int) -> None:
    """Start so many runs as a trigger does, by one statement for the runs and one for their states."""
    session = session_of(connection)
    row = current_version(connection, NAMESPACE, FLOW)
    if row is None:
        raise LookupError(FLOW)
    flow, tools = session.flow(row.version), session.tools
    request = TriggerRequest(inputs={"text": "hello"})
    begun = [engine_runs.first_state(flow, str(uuid.uuid4()), request, tools) for _ in range(number)]
    common = {"namespace": NAMESPACE, "flow_name": FLOW, "flow_version": flow.version, "trigger_id": None}
    rows = [{**common, "id": state.run_id, "created_at": session.now} for state in begun]
    session.connection.execute(insert(runs), rows)
    states.add(session.connection, begun)


def add_backlog(address: str, number: int) -> None:
    """Let so many node states wait, a thousand in a run, all copies of one that the store made."""
    add_runs(address, max(number // _COPIES, 1))
    with opened(address) as database:
        database.write(lambda connection: connection.exec_driver_sql(_COPY, (_COPIES - 1,))).result()


_COPIES = 1_000
_COPIED = [column.name for column in node_states.c if column.name not in {"seq", "id", "fanout"}]
_COPY = f"""INSERT INTO node_states (id, fanout, {", ".join(_COPIED)})
    WITH RECURSIVE copies (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < ?)
    SELECT substr(id, 1, 16) || printf('%08x', seq * {_COPIES} + number), id, {", ".join(_COPIED)}
    FROM node_states, copies"""  # noqa: S608 - names of columns
