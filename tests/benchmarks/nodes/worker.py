"""Run as ``worker.py KEY STATES BATCH URI…``: a process with a worker for each manager, which end together.

With 0 STATES they poll until they are stopped. The last line on stdout is JSON: how many node states, what
they took from the registration to the last delivery, and the most memory that the process held, in KiB.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from groundup.nodes import Runtime
from groundup.nodes.metrics import Metrics
from tests.benchmarks.measuring import clock
from tests.benchmarks.nodes.work import NAMESPACE, NODES

WORKERS = 32  # fewer than a batch: then the next one is claimed while this one is executed


class Tally(Metrics):
    """Sets `done` when so many node states were executed and reported."""

    def __init__(self, states: int) -> None:
        self.left = states
        self.done = asyncio.Event()

    def ended(self, *_: object) -> None:
        self.left -= 1

    def holding(self, count: int) -> None:
        if self.left <= 0 and count == 0:
            self.done.set()


async def main(key: str, states: int, batch: int, uris: list[str]) -> None:
    tally = Tally(states or sys.maxsize)
    workers = [made(tally, key, batch, uri) for uri in uris]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    await asyncio.gather(*(worker.registered.wait() for worker in workers))
    print("registered", flush=True)
    began = clock()
    await tally.done.wait()
    cost = clock() - began
    for worker in workers:
        worker.stop()
    await asyncio.gather(*running)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"states": states, "wall": cost.wall, "cpu": cost.cpu, "peak": peak}))


def made(tally: Tally, key: str, batch: int, uri: str) -> Runtime:
    worker = Runtime(NAMESPACE, "bench", NODES, uri, key, batch_size=batch, workers=WORKERS)
    worker._settings = replace(worker._settings, metrics=tally)
    return worker


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
