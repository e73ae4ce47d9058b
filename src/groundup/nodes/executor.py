"""Executing node states that were claimed: time-outs, cancellation, and what became of each."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundup.nodes.base import BaseNode
from groundup.nodes.context import NodeContext
from groundup.nodes.endpoints import WorkerEndpoints
from groundup.nodes.errors import StateManagerError
from groundup.nodes.execution import Outputs, execute
from groundup.nodes.limits import Limits
from groundup.nodes.metrics import Metrics
from groundup.nodes.outcomes import Outcome, errored, executed, pruned, requeued
from groundup.nodes.signals import PruneSignal, ReQueueAfterSignal
from groundup.nodes.wire import ClaimedState

logger = logging.getLogger("groundup.nodes.runtime")

_CLEANUP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Running:
    context: NodeContext
    task: asyncio.Task[Outcome | None]

    def cancel(self) -> None:
        self.context.cancel()
        self.task.cancel()


class Executor:
    """Executes node states of ``nodes``.

    :param limits: of nodes that say nothing of their own; None: no process of their own.
    """

    def __init__(
        self,
        nodes: Sequence[type[BaseNode]],
        manager: WorkerEndpoints,
        metrics: Metrics,
        limits: Limits | None = None,
    ) -> None:
        self._nodes: Mapping[str, type[BaseNode]] = {node.__name__: node for node in nodes}
        self._manager = manager
        self._metrics = metrics
        self._limits = limits
        self._running: dict[str, _Running] = {}

    async def run(self, state: ClaimedState) -> Outcome | None:
        """Execute a node state; None when its result is not wanted any more."""
        context = NodeContext.of(state, self._manager)
        running = _Running(context, asyncio.create_task(self._execute(state, context)))
        self._running[state.state_id] = running
        started = time.monotonic()
        try:
            outcome = await _ended(running, state)
        finally:
            del self._running[state.state_id]
        kind = "cancelled" if outcome is None else outcome.kind
        self._metrics.ended(state.node_name, kind, time.monotonic() - started)
        return outcome

    def cancel(self, state_id: str) -> None:
        """Cancel an execution whose result is not wanted any more, if there is one."""
        if running := self._running.get(state_id):
            running.cancel()

    async def _execute(self, state: ClaimedState, context: NodeContext) -> Outcome | None:
        try:
            return executed(state, await self._outputs(state, context))
        except PruneSignal as prune:
            return pruned(state, prune)
        except ReQueueAfterSignal as requeue:
            return requeued(state, requeue)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return errored(state, error)  # something inside the node raised it
        except BaseException as error:
            if _is_interrupt(error):
                raise
            return None if context.cancelled else errored(state, error)

    async def _outputs(self, state: ClaimedState, context: NodeContext) -> Outputs:
        node = self._nodes.get(state.node_name)
        if node is None:
            raise StateManagerError(f"node {state.node_name} is not one of {sorted(self._nodes)}")
        secrets = await self._manager.secrets(state.state_id) if node.Secrets.model_fields else {}
        limits = node.limits or self._limits
        if limits is None:
            return await execute(node, state.inputs, secrets, context)
        from groundup.nodes.process import execute_in_process

        work = (node, state.inputs, secrets, context)
        return await execute_in_process(*work, limits, self._manager)


def _is_interrupt(error: BaseException) -> bool:
    """Whether Ctrl-C may have raised it: that is only where nobody sees to the signal, in the main thread."""
    return (
        isinstance(error, KeyboardInterrupt)
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )


async def _ended(running: _Running, state: ClaimedState) -> Outcome | None:
    """Wait for the end of an execution, or for that of its time."""
    timeout = running.context.timeout
    try:
        await asyncio.wait({running.task}, timeout=timeout)
        if not running.task.done():
            running.cancel()
            await asyncio.wait({running.task}, timeout=_CLEANUP_SECONDS)
            return errored(state, f"The node took longer than its time-out of {timeout:g} s")
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.wait({running.task}, timeout=_CLEANUP_SECONDS)
        raise
    if running.context.cancelled:
        return None
    if running.task.cancelled():
        return errored(state, "The node cancelled its own task")
    return running.task.result()
