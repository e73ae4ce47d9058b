"""Run as ``by_sqlite.py DATABASE BATCH``: the same work by SQLite alone, on the tables of a manager.

A loop leases node states, resolves the next inputs and writes outcomes, each batch in a transaction of its
own that is on disk when it ends. Nothing travels, nothing is checked, nobody else could take part: what is
left is the database. The last line on stdout is JSON: how many node states, and what they took.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[3]))

from tests.benchmarks.measuring import timed
from tests.benchmarks.nodes.work import NAMESPACE, NODES

LEASE_MS = 15_000
SETTINGS = ("synchronous=FULL", "cache_size=-32768", "wal_autocheckpoint=8192")  # those of a manager
DUE = """SELECT seq, enqueue_after FROM (
    SELECT seq, enqueue_after FROM node_states WHERE status = 'CREATED' AND namespace = :namespace
    AND node_name = :{name} AND enqueue_after <= :now ORDER BY enqueue_after, seq LIMIT :most)"""
CLAIM = f"""UPDATE node_states SET status = 'QUEUED', token = :token, claims = claims + 1,
    lease_until = :until, updated_at = :now WHERE status = 'CREATED' AND seq IN (
    SELECT seq FROM ({DUE.format(name="first")} UNION ALL {DUE.format(name="next")})
    ORDER BY enqueue_after, seq LIMIT :most)
    RETURNING id, run_id, flow_version, identifier, inputs"""  # noqa: S608 - of constants
END = """UPDATE node_states SET status = 'SUCCESS', outputs = ?, outcome = ?, lease_until = NULL,
    updated_at = ? WHERE id = ? AND status = 'QUEUED' AND token = ?"""
ADD = """INSERT INTO node_states (id, run_id, flow_version, namespace, node_name, identifier, status, inputs,
    outputs, parents, joins, through, fanout, enqueue_after, retry_count, claims, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, 'n1', 'CREATED', ?, '{}', ?, '{}', '[]', ?, ?, 0, 0, ?, ?)"""
Claimed = tuple[str, str, int, str, str]


def now() -> int:
    return time.time_ns() // 1_000_000


def claim(connection: sqlite3.Connection, batch: int, token: str) -> list[Claimed]:
    """Lease up to ``batch`` node states in a transaction of its own."""
    values: dict[str, Any] = {"namespace": NAMESPACE, "now": now(), "most": batch, "token": token}
    names = {"first": NODES[0].__name__, "next": NODES[1].__name__}
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        return connection.execute(CLAIM, {**values, **names, "until": values["now"] + LEASE_MS}).fetchall()


def end(connection: sqlite3.Connection, claimed: Iterable[Claimed], token: str) -> None:
    """Record what became of node states, and add what follows, in a transaction."""
    moment, ends, adds = now(), [], []
    for state_id, run_id, version, identifier, inputs in claimed:
        outputs = json.dumps({"text": json.loads(inputs)["text"]})
        outcome = json.dumps({"token": token, "kind": "executed", "answer": {"status": "EXECUTED"}})
        ends.append((outputs, outcome, moment, state_id, token))
        if identifier == "n0":
            new = f"{moment // 1000:08x}{secrets.token_hex(8)}"
            parents, name = json.dumps({identifier: state_id}), NODES[1].__name__
            adds.append(
                (new, run_id, version, NAMESPACE, name, outputs, parents, new, moment, moment, moment)
            )
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(END, ends)
        connection.executemany(ADD, adds)


def main(database: str, batch: int) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in SETTINGS:
        connection.execute(f"PRAGMA {pragma}")
    states = 0
    with timed() as cost:
        while claimed := claim(connection, batch, token := secrets.token_hex(8)):
            end(connection, claimed, token)
            states += len(claimed)
    connection.close()
    print(json.dumps({"states": states, "wall": cost().wall, "cpu": cost().cpu}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
