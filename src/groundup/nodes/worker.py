"""Polling for node states and executing them, until told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from groundup.nodes.base import BaseNode
from groundup.nodes.connection import Connection
from groundup.nodes.endpoints import WorkerEndpoints
from groundup.nodes.errors import NodesError, StateManagerError
from groundup.nodes.execution import execute, runs_in_thread
from groundup.nodes.signals import PruneSignal, ReQueueAfterSignal
from groundup.nodes.wire import ClaimedState

logger = logging.getLogger("groundup.nodes.runtime")

_LAST_REPLY_SECONDS = 0.25


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


class Worker:
    """Registers nodes, polls node states over ``connection``, executes them, reports what became of them."""

    def __init__(self, connection: Connection, settings: WorkerSettings, stopping: asyncio.Event) -> None:
        self._settings = settings
        self._stopping = stopping
        self._given_up = False
        self._manager = WorkerEndpoints(connection, lambda: self._given_up)
        self._nodes: Mapping[str, type[BaseNode]] = {node.__name__: node for node in settings.nodes}
        self._queue: asyncio.Queue[ClaimedState | None] = asyncio.Queue()
        self._held: set[str] = set()
        self._in_threads: set[str] = set()
        self._reporting: set[str] = set()
        self._room = asyncio.Event()
        self._threads = ThreadPoolExecutor(settings.workers, thread_name_prefix="groundup-node")

    async def run(self) -> None:
        """Work until ``stopping`` is set; then finish what is running and give the rest back.

        :raises RegistrationError: when the manager refuses the nodes.
        """
        try:
            await self._until_stopping(self._register())
            if not self._stopping.is_set():
                await self._serve()
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _register(self) -> None:
        logger.info("registering nodes %s", sorted(self._nodes))
        await self._manager.register(self._settings.name, self._settings.nodes)
        logger.info("registered nodes %s", sorted(self._nodes))
        self._settings.on_registered()

    async def _serve(self) -> None:
        workers = [asyncio.create_task(self._work()) for _ in range(self._settings.workers)]
        renewing = asyncio.create_task(self._renew())
        try:
            while not self._stopping.is_set():
                await self._until_stopping(self._poll())
            await self._drain(workers)
        finally:
            await _cancelled(renewing, *workers)

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
        lease_ms = int(self._settings.lease * 1000)
        try:
            states = await self._manager.enqueue(sorted(self._nodes), self._settings.batch_size, lease_ms)
        except NodesError as error:
            logger.error("failed to enqueue states: %s", error)
            await asyncio.sleep(2 * self._settings.poll_interval)
            return
        for state in states:
            self._held.add(state.state_id)
            self._queue.put_nowait(state)
        if not states and not self._manager.extended:
            await asyncio.sleep(self._settings.poll_interval)

    async def _work(self) -> None:
        while (state := await self._queue.get()) is not None:
            self._room.set()
            if state.state_id not in self._held:
                logger.warning("the claim of node state %s was lost before it was executed", state.state_id)
                continue
            try:
                await self._handle(state)
            except Exception:
                logger.exception("the outcome of node state %s is not delivered", state.state_id)
            finally:
                self._held.discard(state.state_id)

    async def _handle(self, state: ClaimedState) -> None:
        logger.info("executing node state %s of node %s", state.state_id, state.node_name)
        outcome, body = await self._outcome(state)
        self._reporting.add(state.state_id)
        try:
            await self._manager.report(state.state_id, outcome, body)
        except StateManagerError as error:
            await self._manager.report(state.state_id, "errored", {"error": str(error)})
        finally:
            self._reporting.discard(state.state_id)

    async def _outcome(self, state: ClaimedState) -> tuple[str, dict[str, Any]]:
        """Execute a node state; gives what to report, which is always JSON."""
        try:
            return "executed", {"outputs": await self._execute(state)}
        except PruneSignal as signal:
            return _prune(signal)
        except ReQueueAfterSignal as signal:
            return "re-enqueue-after", {"enqueue_after": signal.milliseconds}
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # this worker is cancelled, not something inside the node
            return _error(state, error)
        except (Exception, SystemExit) as error:
            return _error(state, error)

    async def _execute(self, state: ClaimedState) -> list[dict[str, Any]]:
        node = self._nodes.get(state.node_name)
        if node is None:
            raise StateManagerError(f"node {state.node_name} is not one of {sorted(self._nodes)}")
        secrets = await self._manager.secrets(state.state_id) if node.Secrets.model_fields else {}
        if runs_in_thread(node):
            self._in_threads.add(state.state_id)
        try:
            return await execute(node, state.inputs, secrets, self._threads)
        finally:
            self._in_threads.discard(state.state_id)

    async def _renew(self) -> None:
        """Keep the claims of everything held, where the manager knows leases."""
        while True:
            await asyncio.sleep(self._settings.lease / 3)
            if not self._manager.extended or not self._held:
                continue
            try:
                lost = await self._manager.renew(sorted(self._held), int(self._settings.lease * 1000))
            except (NodesError, ValueError) as error:
                logger.warning("failed to renew claims: %s", error)
                continue
            for state_id in self._held.intersection(lost) - self._reporting:
                logger.warning("the claim of node state %s is lost", state_id)
                self._held.discard(state_id)

    async def _drain(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Give back what nobody started, wait for what is running, then give that back too."""
        waiting = []
        while not self._queue.empty():
            state = self._queue.get_nowait()
            if state is not None:
                waiting.append(state.state_id)
        await self._release(waiting)
        for _ in workers:
            self._queue.put_nowait(None)
        _, running = await asyncio.wait(workers, timeout=self._settings.grace_period)
        self._given_up = True
        unfinished = self._held - self._in_threads  # what runs in a thread cannot be stopped
        await _cancelled(*running)
        await self._release(sorted(unfinished))

    async def _release(self, state_ids: Sequence[str]) -> None:
        self._held.difference_update(state_ids)
        if state_ids and self._manager.extended:
            with suppress(NodesError):
                await self._manager.release(state_ids)


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    """Cancel ``tasks`` and wait for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _error(state: ClaimedState, error: BaseException) -> tuple[str, dict[str, Any]]:
    logger.warning("node state %s of node %s failed", state.state_id, state.node_name, exc_info=error)
    return "errored", {"error": str(error) or repr(error)}


def _prune(signal: PruneSignal) -> tuple[str, dict[str, Any]]:
    try:
        return "prune", {"data": json.loads(json.dumps(signal.data))}
    except (TypeError, ValueError) as error:
        return "errored", {"error": f"the data of the prune signal is not JSON: {error}"}
