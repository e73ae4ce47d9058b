"""Run as ``by_postgres.py ADDRESS BATCH``: the same work by PostgreSQL alone, on the tables of a manager.

As ``by_sqlite.py``, by one connection that passes over what others lock.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

import psycopg

from tests.benchmarks.measuring import timed
from tests.benchmarks.nodes.work import NAMESPACE, NODES

LEASE_MS = 15_000
DUE = """SELECT seq, enqueue_after FROM (
    SELECT seq, enqueue_after FROM node_states WHERE status = 'CREATED' AND namespace = %(namespace)s
    AND node_name = %({name})s AND enqueue_after <= %(now)s ORDER BY enqueue_after, seq LIMIT %(most)s
    FOR UPDATE SKIP LOCKED) AS {name}"""
CLAIM = f"""WITH due AS ({DUE.format(name="first")} UNION ALL {DUE.format(name="next")}),
    chosen AS MATERIALIZED (SELECT seq FROM due ORDER BY enqueue_after, seq LIMIT %(most)s)
    UPDATE node_states SET status = 'QUEUED', token = %(token)s, claims = claims + 1,
    lease_until = %(now)s + %(lease)s, updated_at = %(now)s
    WHERE status = 'CREATED' AND seq IN (SELECT seq FROM chosen)
    RETURNING id, run_id, flow_version, identifier, inputs"""  # noqa: S608 - of constants
END = """UPDATE node_states SET status = 'SUCCESS', outputs = done.outputs, outcome = done.outcome,
    lease_until = NULL, updated_at = %s
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS done(id, outputs, outcome)
    WHERE node_states.id = done.id AND status = 'QUEUED' AND token = %s"""
ADD = """INSERT INTO node_states (id, run_id, flow_version, namespace, node_name, identifier, status, inputs,
    outputs, parents, joins, through, fanout, enqueue_after, retry_count, claims, created_at, updated_at)
    SELECT id, run_id, version, %s, %s, 'n1', 'CREATED', inputs, '{}', parents, '{}', '[]', id, %s,
    0, 0, %s, %s
    FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[])
    AS added(id, run_id, version, inputs, parents)"""
Claimed = tuple[str, str, int, str, str]


def now() -> int:
    return time.time_ns() // 1_000_000


def claim(connection: psycopg.Connection[Claimed], batch: int, token: str) -> list[Claimed]:
    """Lease up to ``batch`` node states in a transaction of its own."""
    values = {"namespace": NAMESPACE, "now": now(), "most": batch, "token": token, "lease": LEASE_MS}
    names = {"first": NODES[0].__name__, "next": NODES[1].__name__}
    with connection.transaction():
        return connection.execute(CLAIM.encode(), values | names).fetchall()


def end(connection: psycopg.Connection[Claimed], claimed: Iterable[Claimed], token: str) -> None:
    """Record what became of node states, and add what follows, in a transaction."""
    moment, ends, adds = now(), [], []
    for state_id, run_id, version, identifier, inputs in claimed:
        outputs = json.dumps({"text": json.loads(inputs)["text"]})
        outcome = json.dumps({"token": token, "kind": "executed", "answer": {"status": "EXECUTED"}})
        ends.append((state_id, outputs, outcome))
        if identifier == "n0":
            new = f"{moment // 1000:08x}{secrets.token_hex(8)}"
            adds.append((new, run_id, version, outputs, json.dumps({identifier: state_id})))
    with connection.transaction():
        connection.execute(END.encode(), (moment, *map(list, zip(*ends, strict=True)), token))
        if adds:
            common = (NAMESPACE, NODES[1].__name__, moment, moment, moment)
            connection.execute(ADD.encode(), (*common, *map(list, zip(*adds, strict=True))))


def main(address: str, batch: int) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET plan_cache_mode = force_custom_plan")
        states = 0
        with timed() as cost:
            while claimed := claim(connection, batch, token := secrets.token_hex(8)):
                end(connection, claimed, token)
                states += len(claimed)
    print(json.dumps({"states": states, "wall": cost().wall, "cpu": cost().cpu}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
