"""A worker that writes down each execution; a process of its own, given its options as one JSON object."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time

from pydantic import BaseModel

from groundup.nodes import BaseNode, Runtime

OPTIONS = json.loads(sys.argv[1])
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


logging.basicConfig(level=logging.INFO, stream=sys.stderr)
Runtime(
    "demo",
    "worker",
    [Work, Split, Poison],
    OPTIONS["uri"],
    OPTIONS["key"],
    workers=OPTIONS["workers"],
    batch_size=OPTIONS["batch"],
    lease=OPTIONS["lease"],
    poll_interval=0.05,
).start()
