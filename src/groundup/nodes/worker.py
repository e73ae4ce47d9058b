"""Polling for node states and executing them, until told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from groundup.nodes.base import BaseNode, registration
from groundup.nodes.connection import Connection, Patience, Reply, Safety
from groundup.nodes.errors import NodesError, RegistrationError, StateManagerError
from groundup.nodes.execution import execute, runs_in_thread
from groundup.nodes.signals import PruneSignal, ReQueueAfterSignal
from groundup.nodes.wire import ClaimedState, EnqueueResponse

logger = logging.getLogger("groundup.nodes.runtime")

_LONG_POLL_MS = 10_000
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
        self._connection = connection
        self._settings = settings
        self._stopping = stopping
        self._nodes: Mapping[str, type[BaseNode]] = {node.__name__: node for node in settings.nodes}
        self._queue: asyncio.Queue[ClaimedState | None] = asyncio.Queue()
        self._held: dict[str, ClaimedState] = {}
        self._in_threads: set[str] = set()
        self._room = asyncio.Event()
        self._given_up = False
        self._threads = ThreadPoolExecutor(settings.workers, thread_name_prefix="groundup-node")

    async def run(self) -> None:
        """Work until ``stopping`` is set; then finish what is running and give the rest back.

        :raises RegistrationError: when the manager refuses the nodes.
        """
        try:
            if await self._until_stopping(self._register()):
                await self._serve()
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _serve(self) -> None:
        workers = [asyncio.create_task(self._work()) for _ in range(self._settings.workers)]
        renewing = asyncio.create_task(self._renew())
        try:
            await self._poll()
            await self._drain(workers)
        finally:
            for task in [renewing, *workers]:
                task.cancel()
            await asyncio.gather(renewing, *workers, return_exceptions=True)

    async def _until_stopping(self, call: Coroutine[Any, Any, Any]) -> bool:
        """Await ``call``; false when stopping came first and no answer followed soon."""
        task = asyncio.create_task(call)
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=_LAST_REPLY_SECONDS)
            if task.done():
                await task
            return task.done()
        finally:
            for each in (task, stop):
                each.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    async def _register(self) -> None:
        names = sorted(self._nodes)
        logger.info("registering nodes %s", names)
        body = {
            "runtime_name": self._settings.name,
            "nodes": [registration(node) for node in self._settings.nodes],
        }
        url = self._connection.address.in_namespace("nodes") + "/"
        reply = await self._call("PUT", url, body)
        if not reply.ok:
            raise RegistrationError(
                f"Failed to register nodes: {reply.detail}",
                hint="check API key and URI of the manager",
            )
        logger.info("registered nodes %s", names)
        self._settings.on_registered()

    async def _poll(self) -> None:
        while not self._stopping.is_set():
            await self._until_stopping(self._enqueue())
            while self._queue.qsize() >= self._settings.batch_size and not self._stopping.is_set():
                self._room.clear()
                await self._until_stopping(self._room.wait())

    async def _enqueue(self) -> None:
        body = {
            "nodes": sorted(self._nodes),
            "batch_size": self._settings.batch_size,
            "lease": int(self._settings.lease * 1000),
            "wait": _LONG_POLL_MS,
        }
        try:
            reply = await self._call("POST", self._connection.address.in_namespace("states", "enqueue"), body)
            if not reply.ok:
                raise StateManagerError(reply.detail)
            states = EnqueueResponse.model_validate(reply.json()).states
        except (NodesError, ValueError) as error:
            logger.error("failed to enqueue states: %s", error)
            await self._pause(2 * self._settings.poll_interval)
            return
        if not states and not self._connection.announced:
            await self._pause(self._settings.poll_interval)
        for state in states:
            self._held[state.state_id] = state
            self._queue.put_nowait(state)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _work(self) -> None:
        while (state := await self._queue.get()) is not None:
            self._room.set()
            if state.state_id not in self._held:
                logger.warning("node state %s was lost before it was executed", state.state_id)
                continue
            try:
                await self._handle(state)
            except NodesError as error:
                logger.error("failed to report node state %s: %s", state.state_id, error)
            finally:
                self._held.pop(state.state_id, None)

    async def _handle(self, state: ClaimedState) -> None:
        logger.info("executing node state %s of node %s", state.state_id, state.node_name)
        try:
            outputs = await self._execute(state)
        except PruneSignal as signal:
            await self._report(state, "prune", {"data": signal.data})
        except ReQueueAfterSignal as signal:
            await self._report(state, "re-enqueue-after", {"enqueue_after": signal.milliseconds})
        except (Exception, SystemExit) as error:
            logger.warning("node state %s failed", state.state_id, exc_info=error)
            await self._report(state, "errored", {"error": str(error) or repr(error)})
        else:
            await self._report(state, "executed", {"outputs": outputs})

    async def _execute(self, state: ClaimedState) -> list[dict[str, Any]]:
        node = self._nodes.get(state.node_name)
        if node is None:
            raise StateManagerError(f"node {state.node_name} is not one of {sorted(self._nodes)}")
        secrets = await self._secrets(state) if node.Secrets.model_fields else {}
        if runs_in_thread(node):
            self._in_threads.add(state.state_id)
        try:
            return await execute(node, state.inputs, secrets, self._threads)
        finally:
            self._in_threads.discard(state.state_id)

    async def _secrets(self, state: ClaimedState) -> dict[str, str]:
        reply = await self._call(
            "GET", self._connection.address.in_namespace("state", state.state_id, "secrets")
        )
        body = reply.json()
        if not reply.ok or not isinstance(body, dict):
            raise StateManagerError(f"the secrets of {state.state_id} cannot be had: {reply.detail}")
        secrets: dict[str, str] = body.get("secrets", {})
        return secrets

    async def _report(self, state: ClaimedState, outcome: str, body: dict[str, Any]) -> None:
        """Deliver an outcome; to managers that do not take it twice, only once."""
        safety = Safety.IDEMPOTENT if self._connection.announced else Safety.ONCE
        url = self._connection.address.in_namespace("state", state.state_id, outcome)
        reply = await self._call("POST", url, body, safety=safety)
        if reply.ok:
            logger.info("node state %s %s", state.state_id, outcome)
        elif reply.repeated and reply.detail.startswith("State is not queued"):
            logger.info("node state %s %s, as delivered before", state.state_id, outcome)
        else:
            logger.error("node state %s %s was refused: %s", state.state_id, outcome, reply.detail)

    async def _renew(self) -> None:
        """Keep the claims of everything held, where the manager knows leases."""
        while True:
            await asyncio.sleep(self._settings.lease / 3)
            if not self._connection.announced or not self._held:
                continue
            body = {"state_ids": list(self._held), "lease": int(self._settings.lease * 1000)}
            with suppress(NodesError):
                url = self._connection.address.extension("leases/renew")
                reply = await self._connection.call(
                    "POST",
                    url,
                    body,
                    safety=Safety.IDEMPOTENT,
                    patience=Patience.of(self._settings.lease / 3),
                )
                for state_id in (reply.json() or {}).get("lost", []) if reply.ok else []:
                    if self._held.pop(state_id, None):
                        logger.warning("the claim of node state %s is lost", state_id)

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
        unfinished = [state_id for state_id in self._held if state_id not in self._in_threads]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._release(unfinished)

    async def _release(self, state_ids: Sequence[str]) -> None:
        for state_id in state_ids:
            self._held.pop(state_id, None)
        if not state_ids or not self._connection.announced:
            return
        url = self._connection.address.extension("leases/release")
        with suppress(NodesError):
            await self._connection.call(
                "POST",
                url,
                {"state_ids": list(state_ids)},
                safety=Safety.IDEMPOTENT,
                patience=Patience.of(_LAST_REPLY_SECONDS * 4),
            )
        logger.info("gave back %d node states", len(state_ids))

    async def _call(
        self, method: str, url: str, body: Any = None, *, safety: Safety = Safety.IDEMPOTENT
    ) -> Reply:
        patience = Patience(given_up=lambda: self._given_up)
        return await self._connection.call(method, url, body, safety=safety, patience=patience)
