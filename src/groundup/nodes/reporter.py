"""Delivering outcomes: many in one call where the manager takes that, each by itself where it does not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from groundup.nodes.endpoints import WorkerEndpoints
from groundup.nodes.errors import StateManagerError
from groundup.nodes.outcomes import Outcome, errored

logger = logging.getLogger("groundup.nodes.runtime")

_MOST_WAITING = 1_000
_MOST_TOGETHER = 200
_MOST_CALLS = 16  # at the same time, to a manager that takes outcomes one by one


class Reporter:
    """Delivers outcomes in the background while its :meth:`run` does.

    :param on_end: called when an outcome was delivered, or cannot be.
    """

    def __init__(self, manager: WorkerEndpoints, on_end: Callable[[Outcome], None]) -> None:
        self._manager = manager
        self._on_end = on_end
        self._queue: asyncio.Queue[Outcome] = asyncio.Queue(_MOST_WAITING)
        self._calls: set[asyncio.Task[None]] = set()

    async def submit(self, outcome: Outcome) -> None:
        """Have ``outcome`` delivered; waits only while too many others are waiting."""
        await self._queue.put(outcome)

    async def delivered(self) -> None:
        """Return when nothing is waiting any more."""
        await self._queue.join()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                batch = [await self._queue.get()]
                while not self._queue.empty() and len(batch) < _MOST_TOGETHER:
                    batch.append(self._queue.get_nowait())
                await self._start(batch)
        finally:
            for call in self._calls:
                call.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)

    async def _start(self, batch: Sequence[Outcome]) -> None:
        if self._manager.extended:
            await self._ending(batch, self._deliver(batch))
            return
        for outcome in batch:
            while len(self._calls) >= _MOST_CALLS:
                await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)
            call = asyncio.create_task(self._ending([outcome], self._deliver([outcome])))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _ending(self, batch: Sequence[Outcome], delivery: Coroutine[Any, Any, None]) -> None:
        try:
            await delivery
        finally:
            for outcome in batch:
                self._on_end(outcome)
                self._queue.task_done()

    async def _deliver(self, batch: Sequence[Outcome]) -> None:
        for outcome in await self._together(batch) if len(batch) > 1 else batch:
            await self._alone(outcome)

    async def _together(self, batch: Sequence[Outcome]) -> Sequence[Outcome]:
        """Deliver all in one call; gives those that the manager did not take so."""
        try:
            return await self._manager.report_all(batch)
        except Exception:
            logger.exception("the outcomes of %d node states are not delivered", len(batch))
            return ()

    async def _alone(self, outcome: Outcome) -> None:
        try:
            try:
                await self._manager.report(outcome)
            except StateManagerError as error:
                await self._manager.report(errored(outcome.state, error))
        except Exception:
            logger.exception("the outcome of node state %s is not delivered", outcome.state_id)
