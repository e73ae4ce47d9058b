"""Polling for node states and executing them, until told to stop."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from groundup.nodes.base import BaseNode
from groundup.nodes.connection import Connection
from groundup.nodes.endpoints import WorkerEndpoints
from groundup.nodes.errors import NodesError
from groundup.nodes.executor import Executor
from groundup.nodes.limits import Limits
from groundup.nodes.metrics import Metrics
from groundup.nodes.outcomes import Outcome
from groundup.nodes.reporter import Reporter
from groundup.nodes.wire import ClaimedState

logger = logging.getLogger("groundup.nodes.runtime")

_LAST_REPLY_SECONDS = 0.25
_LAST_REPORTS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker works; times in seconds."""

    name: str
    nodes: Sequence[type[BaseNode]]
    batch_size: int
    workers: int
    poll_interval: float
    lease: float
    grace_period: float
    on_registered: Callable[[], None]
    limits: Limits | None = None
    metrics: Metrics = field(default_factory=Metrics)


class Worker:
    """Registers nodes, polls node states over ``connection``, executes them, reports what became of them."""

    def __init__(self, connection: Connection, settings: WorkerSettings, stopping: asyncio.Event) -> None:
        self._settings = settings
        self._stopping = stopping
        self._given_up = False
        self._manager = WorkerEndpoints(connection, lambda: self._given_up, int(settings.lease * 1000))
        self._executor = Executor(settings.nodes, self._manager, settings.metrics, settings.limits)
        self._reporter = Reporter(self._manager, self._reported)
        self._names = sorted(node.__name__ for node in settings.nodes)
        self._queue: asyncio.Queue[ClaimedState | None] = asyncio.Queue()
        self._held: dict[str, float] = {}  # until when a claim holds without being renewed
        self._reporting: set[str] = set()
        self._room = asyncio.Event()

    async def run(self) -> None:
        """Work until ``stopping`` is set; then finish what is running and give the rest back.

        :raises RegistrationError: when the manager refuses the nodes.
        """
        await self._until_stopping(self._register())
        if not self._stopping.is_set():
            await self._serve()

    async def _register(self) -> None:
        logger.info("registering nodes %s", self._names)
        await self._manager.register(self._settings.name, self._settings.nodes)
        logger.info("registered nodes %s", self._names)
        self._settings.on_registered()

    async def _serve(self) -> None:
        workers = [asyncio.create_task(self._work()) for _ in range(self._settings.workers)]
        helpers = [asyncio.create_task(self._renew()), asyncio.create_task(self._reporter.run())]
        try:
            while not self._stopping.is_set():
                await self._until_stopping(self._poll())
            await self._drain(workers)
        except asyncio.CancelledError:
            await _cancelled(*workers)
            await self._release(sorted(self._held))
            raise
        finally:
            await _cancelled(*helpers, *workers)

    async def _until_stopping(self, call: Coroutine[Any, Any, None]) -> None:
        """Await ``call``, but cancel it when stopping comes first and no answer follows soon."""
        task = asyncio.create_task(call)
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({task}, timeout=_LAST_REPLY_SECONDS)
            if task.done():
                await task
        finally:
            await _cancelled(task, stop)

    async def _poll(self) -> None:
        """Claim what there is room for; pause when there was nothing and the manager did not wait itself."""
        while self._queue.qsize() >= self._settings.batch_size:
            self._room.clear()
            await self._room.wait()
        until = _now() + self._settings.lease  # the claims hold at least for so long
        try:
            states = await self._manager.enqueue(self._names, self._settings.batch_size)
        except NodesError as error:
            logger.error("failed to enqueue states: %s", error)
            await asyncio.sleep(2 * self._settings.poll_interval)
            return
        logger.debug("claimed %d node states", len(states))
        self._settings.metrics.claimed(len(states))
        for state in states:
            self._hold(state.state_id, until)
            self._queue.put_nowait(state)
        if not states and not self._manager.extended:
            await asyncio.sleep(self._settings.poll_interval)

    async def _work(self) -> None:
        while (state := await self._queue.get()) is not None:
            self._room.set()
            if not await self._may_start(state.state_id):
                logger.warning("the claim of node state %s was lost before it was executed", state.state_id)
                continue
            try:
                await self._handle(state)
            except Exception:
                logger.exception("node state %s cannot be handled", state.state_id)
                self._let_go([state.state_id])

    async def _handle(self, state: ClaimedState) -> None:
        logger.info("executing node state %s of node %s", state.state_id, state.node_name)
        outcome = await self._executor.run(state)
        if outcome is None:
            logger.warning("nobody wants the result of node state %s any more", state.state_id)
            self._let_go([state.state_id])
        else:
            self._reporting.add(state.state_id)
            await self._reporter.submit(outcome)

    def _reported(self, outcome: Outcome) -> None:
        self._reporting.discard(outcome.state_id)
        self._let_go([outcome.state_id])

    def _hold(self, state_id: str, until: float) -> None:
        self._held[state_id] = until
        self._settings.metrics.holding(len(self._held))

    def _let_go(self, state_ids: Sequence[str]) -> None:
        for state_id in state_ids:
            self._held.pop(state_id, None)
        self._settings.metrics.holding(len(self._held))

    async def _renew(self) -> None:
        """Keep the claims of everything held, where the manager knows leases."""
        while True:
            await asyncio.sleep(self._settings.lease / 3)
            if self._manager.extended and self._held:
                await self._renew_all()

    async def _renew_all(self) -> None:
        asked, until = sorted(self._held), _now() + self._settings.lease
        try:
            lost = await self._manager.renew(asked)
        except (NodesError, ValueError) as error:
            logger.warning("failed to renew claims: %s", error)
            return
        self._held.update({state_id: until for state_id in asked if state_id in self._held})
        self._lose(self._held.keys() & set(lost) - self._reporting)

    async def _may_start(self, state_id: str) -> bool:
        """Whether a claim holds; asked when its lease may have run out, as after a sleep of the machine."""
        if self._manager.extended and _now() > self._held.get(state_id, math.inf):
            await self._renew_all()
            if _now() > self._held.get(state_id, math.inf):
                self._lose({state_id})
        return state_id in self._held

    def _lose(self, state_ids: set[str]) -> None:
        """Cancel executions whose claims are lost: their run was cancelled, or others have them now."""
        for state_id in state_ids:
            logger.warning("the claim of node state %s is lost", state_id)
            self._executor.cancel(state_id)
        self._let_go(sorted(state_ids))
        self._settings.metrics.lost(len(state_ids))

    async def _drain(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Give back what nobody started, wait for what is running, then give that back too."""
        logger.info("stopping: %d node states are held", len(self._held))
        deadline = asyncio.get_running_loop().time() + self._settings.grace_period
        waiting = []
        while not self._queue.empty():
            state = self._queue.get_nowait()
            if state is not None:
                waiting.append(state.state_id)
        await self._release(waiting)
        for _ in workers:
            self._queue.put_nowait(None)
        await asyncio.wait(workers, timeout=self._settings.grace_period)
        await _cancelled(*workers)
        left = deadline - asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._reporter.delivered(), max(left, _LAST_REPORTS_SECONDS))
        self._given_up = True
        await self._release(sorted(self._held))

    async def _release(self, state_ids: Sequence[str]) -> None:
        self._let_go(state_ids)
        if state_ids and self._manager.extended:
            with suppress(NodesError):
                await self._manager.release(state_ids)


def _now() -> float:
    """Seconds that went by, those included in which the machine slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancel ``tasks`` and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
