"""Run as ``by_pgqueuer.py ADDRESS STATES BATCH``: chains of two jobs by pgqueuer.

The first of each adds the second. The last line on stdout is JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

import psycopg
from pgqueuer import PgQueuer
from pgqueuer.db import PsycopgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from tests.benchmarks.measuring import clock


async def main(address: str, states: int, batch: int) -> None:
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        driver = PsycopgDriver(connection)
        queries, worker, done = Queries(driver), PgQueuer(driver), 0
        await queries.install()
        first = states // 2
        await queries.enqueue(["begin"] * first, [b"hello"] * first, [0] * first)

        @worker.entrypoint("begin")
        async def begin(job: Job) -> None:
            nonlocal done
            done += 1
            await queries.enqueue("go_on", job.payload)

        @worker.entrypoint("go_on")
        async def go_on(_job: Job) -> None:
            nonlocal done
            done += 1
            if done == states:
                worker.shutdown.set()

        began = clock()
        await worker.run(batch_size=batch, mode=QueueExecutionMode.continuous)
        cost = clock() - began
    print(json.dumps({"states": done, "wall": cost.wall, "cpu": cost.cpu}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
