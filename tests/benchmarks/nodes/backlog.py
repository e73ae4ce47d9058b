"""How a long backlog slows claims."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.figures import Figure
from tests.benchmarks.measuring import BenchmarkError
from tests.benchmarks.nodes import processes, seeding
from tests.benchmarks.nodes.work import NAMESPACE, NODES
from tests.support.managers import API_KEY

BATCH = 100
SHORT = 10_000
PATH = f"/v0/namespace/{NAMESPACE}/states/enqueue"
BODY = json.dumps({"nodes": [node.__name__ for node in NODES], "batch_size": BATCH})


def slowed(folder: Path, states: int, rounds: int) -> list[Figure]:
    """Measure claims over HTTP while `states` wait, against those while few do; both managers at once."""
    addresses = []
    for name, size in (("short", SHORT), ("long", states)):
        addresses.append(str(folder / f"{name}.db"))
        seeding.prepare(addresses[-1])
        seeding.add_backlog(addresses[-1], size)
    claims = max(SHORT // BATCH // rounds // 2, 1)  # so that many are left
    with processes.managers(addresses[0]) as (short,), processes.managers(addresses[1]) as (long,):
        samples = []
        for _ in range(rounds):
            taken: tuple[list[float], list[float]] = ([], [])
            for _ in range(claims):
                for manager, seconds in zip((short, long), taken, strict=True):
                    seconds.append(claimed(manager.uri))
            samples.append(statistics.median(taken[1]) / statistics.median(taken[0]))
    return [Figure(f"claims with {states:,} waiting / {SHORT:,}", "x", 1.5, tuple(samples))]


def claimed(uri: str) -> float:
    """Claim a batch; gives the seconds.

    :raises BenchmarkError: when there are not so many.
    """
    with closing(http.client.HTTPConnection(urlsplit(uri).netloc, timeout=60)) as client:
        client.connect()
        began = time.perf_counter()
        client.request("POST", PATH, BODY, {"x-api-key": API_KEY, "content-type": "application/json"})
        answer = client.getresponse().read()
        seconds = time.perf_counter() - began
    if json.loads(answer)["count"] != BATCH:
        raise BenchmarkError("a claim was not answered in full", hint="correct that first")
    return seconds
