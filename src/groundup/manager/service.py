"""The state manager itself, without HTTP: operations on the database, and waiting for work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from groundup.manager.desk import OutcomeDesk
from groundup.manager.errors import DatabaseError
from groundup.manager.metrics import Metrics
from groundup.manager.operations import backlog, claims, rotation
from groundup.manager.operations.context import Context, Session
from groundup.manager.operations.outcomes import Answer
from groundup.manager.store import states
from groundup.manager.store.database import Database
from groundup.nodes.wire import EnqueueRequest, EnqueueResponse, extensions

T = TypeVar("T")
P = ParamSpec("P")
Operation = Callable[Concatenate[Session, P], T]


class Bell:
    """Wakes those who wait for node states."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.closed = False

    def ring(self) -> None:
        """There may be something to do now; called in the event loop."""
        for event in self._waiting:
            event.set()

    def close(self) -> None:
        """Nobody shall wait any longer; called from any thread."""
        self.closed = True
        self.ring_from_thread()

    def ring_from_thread(self) -> None:
        """As :meth:`ring`; called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.ring)

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set by every ring meanwhile."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)


class ManagerService:
    """Runs operations, each in a transaction of its own.

    :param database: where everything is kept.
    :param context: cipher, settings, clock.
    """

    def __init__(self, database: Database, context: Context) -> None:
        self.context = context
        self.bell = Bell()
        self.watchers = 0  # streams of events
        self.metrics = Metrics()
        self._database = database
        self._desk = OutcomeDesk(self.change, database.writers)
        database.on_rollback = context.flows.clear
        database.listen(self.bell.ring_from_thread)

    def check(self) -> None:
        """Whether this manager can serve the database.

        :raises SecretKeyError: when secrets in it cannot be decrypted.
        """
        self._database.read(lambda connection: rotation.check(self._session(connection)))

    async def write(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``operation``; done when it is on disk."""
        work = self._work(operation, *args, **kwargs)
        return await self._written(self._database.write(work))

    async def change(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`write`, for what may create node states: those who wait for them are woken."""
        work = self._work(operation, *args, **kwargs)
        result = await self._written(self._database.write(work, announced=True))
        self.bell.ring()
        return result

    async def record(self, namespace: str, outcome: extensions.AnyOutcome) -> Answer:
        """Record what became of a node state, together with others that come now; gives what to answer.

        :raises ManagerError: when it is refused.
        """
        answer = await self._desk.record(namespace, outcome)
        self.metrics.recorded(outcome.outcome)
        return answer

    async def _written(self, future: Future[T]) -> T:
        try:
            return await asyncio.wrap_future(future)
        except DatabaseError:
            self.context.presence.interrupted(self._now())
            raise

    async def announce(self) -> None:
        """Wake those who wait for node states, at other managers too."""
        await self.change(_nothing)

    async def read(self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``operation``, which only reads."""

        return await run_in_threadpool(self._database.read, self._work(operation, *args, **kwargs))

    def backlog(self) -> backlog.Backlog:
        """What waits now; may be called from any thread.

        :raises DatabaseError: when the database cannot be used.
        """
        return self._database.read(lambda connection: backlog.measure(self._session(connection)))

    async def enqueue(
        self, namespace: str, request: EnqueueRequest, gone: Callable[[], Awaitable[bool]]
    ) -> EnqueueResponse:
        """Claim node states; while there are none, wait as long as the request allows.

        :param gone: whether nobody waits for the answer any more; nothing is claimed then.
        """
        deadline = self._now() + min(request.wait, self.context.settings.longest_wait)
        with self.bell.listening() as rung:
            while True:
                rung.clear()
                response = await self.write(claims.enqueue, namespace, request)
                self.metrics.claimed(response.count)
                if response.count or self.bell.closed or deadline <= self._now():
                    return response
                due = await self.read(_next_due, namespace, request.nodes)
                wake = deadline if due is None else min(deadline, due)
                await _set_within(rung, wake - self._now())
                if await gone():
                    return response

    def _work(
        self, operation: Operation[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> Callable[[Connection], T]:
        def work(connection: Connection) -> T:
            return operation(self._session(connection), *args, **kwargs)

        return work

    def _session(self, connection: Connection) -> Session:
        return Session(connection, self.context, self._now())

    def _now(self) -> int:
        return self.context.clock()


async def _set_within(event: asyncio.Event, milliseconds: int) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), max(milliseconds, 1) / 1000)


def _nothing(_session: Session) -> None:
    """Change nothing."""


def _next_due(session: Session, namespace: str, names: list[str]) -> int | None:
    return states.next_due(session.connection, namespace, names)
