"""Nodes that run in processes of their own, which import them from here."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel

from groundup.nodes import BaseNode, PruneSignal, ReQueueAfterSignal
from groundup.nodes.limits import Limits


class Apart(BaseNode):
    """Does what its input says, in another process."""

    limits = Limits(memory=512 * 1024**2, seconds=60)

    class Inputs(BaseModel):
        act: str
        file: Path = Path()

    class Secrets(BaseModel):
        token: str = "none"

    class Outputs(BaseModel):
        pid: int
        token: str
        told: list[str]

    inputs: Inputs
    secrets: Secrets

    def execute(self) -> Outputs | list[Outputs]:
        act = getattr(self, self.inputs.act)
        act()
        context = self.context
        told = [context.identifier, str(context.graph_name), str(context.attempt)]
        output = self.Outputs(pid=os.getpid(), token=self.secrets.token, told=told)
        return [output, output] if self.inputs.act == "twice" else output

    def work(self) -> None:
        print("printed by the node")

    def twice(self) -> None:
        """Nothing more."""

    def write(self) -> None:
        self.context.blocking.write_store({"written": "apart"})

    def fail(self) -> None:
        raise ValueError("cannot do this")

    def leave(self) -> None:
        sys.exit("left")

    def interrupt(self) -> None:
        raise KeyboardInterrupt("interrupted")

    def die(self) -> None:
        os.abort()

    def prune(self) -> None:
        raise PruneSignal({"why": "enough"})

    def later(self) -> None:
        raise ReQueueAfterSignal(timedelta(hours=1))

    def at(self) -> None:
        raise ReQueueAfterSignal(at=datetime(2100, 1, 1, tzinfo=UTC))

    def grow(self) -> None:
        bytearray(1024**3)

    def hang(self) -> None:
        with self.inputs.file.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write("hanging")
            file.flush()
            time.sleep(3600)


class Bare(BaseNode):
    """Says in which process it runs."""

    class Outputs(BaseModel):
        pid: int

    async def execute(self) -> Outputs:
        return self.Outputs(pid=os.getpid())
