"""A worker that writes down each execution: a process of its own, its options in a variable as JSON."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import signal
import sys
import time

from pydantic import BaseModel

from groundup.nodes import BaseNode, Limits, Runtime

OPTIONS = json.loads(os.environ["CHAOS_OPTIONS"])  # nodes in processes of their own read them too
JOURNAL = os.open(OPTIONS["journal"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(event: str, node: BaseNode) -> None:
    """Write one line, whole, after all that others wrote."""
    os.write(JOURNAL, f"{event} {node.context.state_id} {os.getpid()} {time.time()}\n".encode())


class Noted(BaseNode):
    class Outputs(BaseModel):
        text: str = "done"

    async def execute(self) -> BaseModel | list[BaseModel]:
        note("begin", self)
        await asyncio.sleep(OPTIONS["seconds"])
        note("end", self)
        return [self.Outputs() for _ in range(self.branches())]

    def branches(self) -> int:
        return 1


class Work(Noted):
    """Goes on as one."""


class Split(Noted):
    """Goes on as many."""

    def branches(self) -> int:
        return int(OPTIONS["branches"])


class Poison(BaseNode):
    """Kills its worker."""

    async def execute(self) -> None:
        note("begin", self)
        os.kill(os.getpid(), signal.SIGKILL)


class Apart(BaseNode):
    """Takes too long at first, in a process of its own, which holds a lock as long as it lives."""

    limits = Limits(seconds=600)

    def execute(self) -> None:
        if self.context.attempt == 1:
            lock = os.open(f"{OPTIONS['journal']}.lock", os.O_RDWR | os.O_CREAT)
            fcntl.flock(lock, fcntl.LOCK_EX)
            note("begin", self)
            time.sleep(600)
        note("begin", self)
        note("end", self)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    Runtime(
        "demo",
        "worker",
        [Work, Split, Poison, Apart],
        OPTIONS["uri"],
        OPTIONS["key"],
        workers=OPTIONS["workers"],
        batch_size=OPTIONS["batch"],
        lease=OPTIONS["lease"],
        poll_interval=0.05,
    ).start()
