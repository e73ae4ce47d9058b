"""What a node knows of its execution, and what it may ask of its worker and manager meanwhile."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Coroutine, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, TypeVar

from groundup.nodes.errors import NodeCancelledError, RuntimeConfigurationError
from groundup.nodes.wire import ClaimedState

T = TypeVar("T")

_current: ContextVar[NodeContext] = ContextVar("groundup-node-context")


class Link(Protocol):
    """What an execution may ask its state manager for, by the id of its node state."""

    def heartbeat(self, state_id: str) -> Awaitable[bool]:
        """Renew the claim; false when it is lost."""

    def read_store(self, state_id: str) -> Awaitable[dict[str, str]]:
        """The store of the run."""

    def write_store(self, state_id: str, values: Mapping[str, str | None]) -> Awaitable[dict[str, str]]:
        """Set values in the store of the run; gives it as it is then."""


@dataclass(frozen=True, kw_only=True)
class NodeContext:
    """One execution: ``self.context`` of a node, :func:`current_context` everywhere below ``execute``.

    Managers of another make do not tell where a node state belongs; what they do not tell is None.

    :ivar node_name: name of the node.
    :ivar identifier: its place in the flow.
    :ivar state_id: the node state, as the manager named it in this claim.
    :ivar namespace: that of the flow.
    :ivar graph_name: name of the flow.
    :ivar run_id: the run.
    :ivar attempt: 1, and one more for each retry.
    :ivar timeout: seconds that this execution may take.
    """

    node_name: str
    identifier: str = ""
    state_id: str = ""
    namespace: str | None = None
    graph_name: str | None = None
    run_id: str | None = None
    attempt: int | None = None
    timeout: float | None = None
    _link: Link | None = field(default=None, repr=False)
    _cancellation: threading.Event = field(default_factory=threading.Event, repr=False)

    @classmethod
    def of(cls, state: ClaimedState, link: Link | None) -> NodeContext:
        """The context of a node state that was claimed."""
        told: dict[str, Any] = {}
        if state.context is not None:
            told = state.context.model_dump(exclude={"timeout"})
            milliseconds = state.context.timeout
            told["timeout"] = None if milliseconds is None else milliseconds / 1000
        return cls(
            node_name=state.node_name,
            identifier=state.identifier,
            state_id=state.state_id,
            _link=link,
            **told,
        )

    def plain(self) -> dict[str, Any]:
        """What it tells, for another process."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.repr}

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """Logs under ``groundup.nodes.node.<name>``, each line with run, identifier and attempt."""
        return _Adapter(logging.getLogger(f"groundup.nodes.node.{self.node_name}"), {"context": self})

    @property
    def blocking(self) -> BlockingContext:
        """The calls to the manager for a plain ``execute``, which runs in a thread."""
        return BlockingContext(self)

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the result any more: claim lost, run cancelled, time-out, worker ends."""
        return self._cancellation.is_set()

    def check_cancelled(self) -> None:
        """Return when the result is still wanted.

        :raises NodeCancelledError: when it is not.
        """
        if self.cancelled:
            raise NodeCancelledError(f"the execution of {self.node_name} was cancelled")

    def wait(self, seconds: float) -> bool:
        """Sleep in a plain ``execute``; ends at once, and is true, when the execution is cancelled."""
        return self._cancellation.wait(seconds)

    def cancel(self) -> None:
        """Say that the result is not wanted any more."""
        self._cancellation.set()

    async def heartbeat(self) -> bool:
        """Renew the claim now; false when it is lost.

        Workers renew by themselves, so this is for those who block the event loop, and for those who want to
        know at once whether they may go on.
        """
        held = self._link is None or await self._link.heartbeat(self.state_id)
        if not held:
            self.cancel()
        return held

    async def read_store(self) -> dict[str, str]:
        """The store of the run, defaults of its flow included.

        :raises StateManagerError: when the manager offers none to nodes.
        """
        return await self._linked.read_store(self.state_id)

    async def write_store(self, values: Mapping[str, str | None]) -> dict[str, str]:
        """Set values in the store of the run, None removes one; gives the store as it is then.

        :raises StateManagerError: when the manager offers none to nodes, or the claim is lost.
        """
        return await self._linked.write_store(self.state_id, values)

    @property
    def _linked(self) -> Link:
        if self._link is None:
            raise RuntimeConfigurationError("there is no state manager here", hint="run it by a Runtime")
        return self._link


class BlockingContext:
    """The calls of :class:`NodeContext` for threads; made in the thread, answered by the worker's loop."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context

    def heartbeat(self) -> bool:
        """As :meth:`NodeContext.heartbeat`."""
        return _wait_for(self._context.heartbeat())

    def read_store(self) -> dict[str, str]:
        """As :meth:`NodeContext.read_store`."""
        return _wait_for(self._context.read_store())

    def write_store(self, values: Mapping[str, str | None]) -> dict[str, str]:
        """As :meth:`NodeContext.write_store`."""
        return _wait_for(self._context.write_store(values))


@dataclass(frozen=True)
class Place:
    """Where an execution takes place: its context, and the loop that answers its calls."""

    context: NodeContext
    loop: asyncio.AbstractEventLoop

    def enter(self) -> None:
        """Be the place of everything that this task, and threads with a copy of its context, run."""
        _current.set(self.context)
        _loop.set(self.loop)


_loop: ContextVar[asyncio.AbstractEventLoop] = ContextVar("groundup-node-loop")


def current_context() -> NodeContext:
    """The context of the execution that this code is part of.

    :raises RuntimeConfigurationError: outside of one.
    """
    try:
        return _current.get()
    except LookupError:
        raise RuntimeConfigurationError(
            "no node is executed here", hint="call it in execute, or in what execute calls"
        ) from None


def _wait_for(call: Coroutine[Any, Any, T]) -> T:
    loop = _loop.get(None)
    if loop is None or _runs_here(loop):
        call.close()
        raise RuntimeConfigurationError(
            "context.blocking is for a plain execute", hint="await the same method of the context itself"
        )
    return asyncio.run_coroutine_threadsafe(call, loop).result()


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


class _Adapter(logging.LoggerAdapter[logging.Logger]):
    """Puts run, identifier and attempt before each line."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        context: NodeContext = self.extra["context"]  # type: ignore[index,assignment]
        told = (context.run_id and f"run {context.run_id}", context.identifier)
        attempt = f"attempt {context.attempt}" if context.attempt else ""
        prefix = ", ".join(part for part in (*told, attempt) if part)
        return (f"{prefix}: {msg}" if prefix else msg), kwargs
