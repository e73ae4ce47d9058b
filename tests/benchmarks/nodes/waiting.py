"""How soon a run is done on an idle manager, and what waiting for work costs."""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.figures import Figure
from tests.benchmarks.measuring import BenchmarkError
from tests.benchmarks.nodes import processes, seeding
from tests.benchmarks.nodes.work import FLOW, NAMESPACE
from tests.support.managers import API_KEY

IDLE_SECONDS = 8.0
SETTLING_SECONDS = 2.0
RUN_SECONDS = 10.0
LOOK_SECONDS = 0.0005
PATH = f"/v0/namespace/{NAMESPACE}/graph/{FLOW}/trigger"


def latency(folder: Path, chain: int, target: float, rounds: int) -> list[Figure]:
    """Measure from before a trigger is sent until the last node state of its run is on disk."""
    with working(folder, chain) as (uri, database, _):
        samples = tuple(done_after(uri, database, chain) * 1000 for _ in range(rounds))
    name = "trigger to done, one node" if chain == 1 else f"trigger to done, a chain of {chain}"
    return [Figure(name, "ms", target, samples)]


@contextmanager
def working(folder: Path, chain: int) -> Iterator[tuple[str, Path, list[int]]]:
    """A manager and a worker; gives the address of one, its database, and the processes of both."""
    database = folder / "manager.db"
    seeding.prepare(str(database), chain)
    with (
        processes.managers(str(database)) as (manager,),
        processes.polling(manager.uri) as worker,
    ):
        done_after(manager.uri, database, chain)  # what is imported at first use is there then
        yield manager.uri, database, [manager.pid, worker.pid]


def done_after(uri: str, database: Path, chain: int) -> float:
    """Start a run; gives the seconds until it is done.

    It is looked for in the database, which costs the manager nothing.

    :raises BenchmarkError: when it takes too long.
    """
    with (
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection,
        closing(http.client.HTTPConnection(urlsplit(uri).netloc, timeout=RUN_SECONDS)) as client,
    ):
        client.connect()
        began = time.perf_counter()
        body = json.dumps({"inputs": {"text": "hello"}})
        client.request("POST", PATH, body, {"x-api-key": API_KEY, "content-type": "application/json"})
        run = json.loads(client.getresponse().read())["run_id"]
        query = "SELECT count(*) FROM node_states WHERE run_id = ? AND status = 'SUCCESS'"
        while connection.execute(query, (run,)).fetchone() != (chain,):
            if time.perf_counter() - began > RUN_SECONDS:
                raise BenchmarkError(f"a run took more than {RUN_SECONDS} s", hint="correct that first")
            time.sleep(LOOK_SECONDS)
        return time.perf_counter() - began


def idle(folder: Path, rounds: int) -> list[Figure]:
    """Measure what a worker and a manager spend while there is nothing to do."""
    with working(folder, 1) as (_, _, pids):
        time.sleep(SETTLING_SECONDS)
        spent = [shares(pids) for _ in range(rounds)]
    manager, worker = zip(*spent, strict=True)
    return [
        Figure("idle worker", "% of a core", 1, worker),
        Figure("idle manager", "% of a core", None, manager),
    ]


def shares(pids: list[int]) -> tuple[float, ...]:
    """The percentage of a core that each process spends."""
    before, began = [processes.cpu(pid) for pid in pids], time.perf_counter()
    time.sleep(IDLE_SECONDS)
    seconds = time.perf_counter() - began
    return tuple((processes.cpu(pid) - was) / seconds * 100 for pid, was in zip(pids, before, strict=True))
