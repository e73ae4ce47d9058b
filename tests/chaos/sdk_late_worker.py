# mypy: ignore-errors
"""A worker written for the protocol's own SDK, whose first answer of each kind comes late.

Given a folder: the first execution of each node waits until the file `go` is there.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from exospherehost import BaseNode, PruneSignal, ReQueueAfterSignal, Runtime

FOLDER = Path(sys.argv[1])


class Late(BaseNode):
    async def execute(self):
        begun = FOLDER / type(self).__name__
        if begun.exists():
            return
        begun.touch()
        while not (FOLDER / "go").exists():
            await asyncio.sleep(0.01)
        self.answer()

    def answer(self):
        pass


class LateError(Late):
    def answer(self):
        raise ValueError("too late")


class LatePrune(Late):
    def answer(self):
        raise PruneSignal({"because": "too late"})


class LateRequeue(Late):
    def answer(self):
        raise ReQueueAfterSignal(timedelta(milliseconds=1))


Runtime(
    namespace="demo",
    name="sdk",
    nodes=[Late, LateError, LatePrune, LateRequeue],
    workers=16,
    poll_interval=0.05,
).start()
