"""Calls to a state manager: one pooled session, retries with full jitter where they are safe."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from enum import Enum
from types import TracebackType
from typing import Any

import aiohttp

from groundup.nodes.address import Address
from groundup.nodes.errors import UnreachableError
from groundup.nodes.wire import API_KEY_HEADER, MANAGER_HEADER

logger = logging.getLogger(__name__)

_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 5.0
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})


class Safety(Enum):
    """When a call may be made again."""

    IDEMPOTENT = "always: twice is as once"
    ONCE = "only when no connection was made"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, body as text, and whether it was given to a repeated call."""

    status: int
    text: str
    repeated: bool = False

    @property
    def ok(self) -> bool:
        """Whether the call was carried out."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    @property
    def detail(self) -> str:
        """What the manager says about a refusal."""
        body = self.json()
        return str(body["detail"]) if isinstance(body, dict) and "detail" in body else self.text


@dataclass(slots=True)
class Patience:
    """How long to try: until ``deadline`` on the monotonic clock, or until ``given_up`` says so."""

    deadline: float | None = None
    given_up: Callable[[], bool] = field(default=lambda: False)

    @classmethod
    def of(cls, seconds: float) -> Patience:
        """Patience for so many seconds from now on."""
        return cls(time.monotonic() + seconds)

    def ends_within(self, seconds: float) -> bool:
        """Whether another try after ``seconds`` would be too late."""
        late = self.deadline is not None and time.monotonic() + seconds > self.deadline
        return late or self.given_up()


class Connection:
    """A pooled connection to the manager at ``address``; an asynchronous context manager.

    ``announced`` becomes true once groundup's own manager answered: it takes the same outcome twice.

    :param on_retry: called whenever a call is made again.
    """

    def __init__(self, address: Address, on_retry: Callable[[], None] = lambda: None) -> None:
        self.address = address
        self._on_retry = on_retry
        self.announced = False
        self._stack = AsyncExitStack()
        self._sessions: dict[Safety, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Connection:
        """Open the sessions."""
        # Kept connections end sooner here than servers end them, so that no call meets one just closed. What
        # may be sent only once gets a connection of its own: then it is known whether it can have arrived.
        self._sessions = {
            Safety.IDEMPOTENT: await self._open(aiohttp.TCPConnector(limit=0, keepalive_timeout=3)),
            Safety.ONCE: await self._open(aiohttp.TCPConnector(limit=0, force_close=True)),
        }
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the sessions."""
        self._sessions = {}
        await self._stack.aclose()

    async def _open(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        headers = {API_KEY_HEADER: self.address.key or ""}
        timeout = aiohttp.ClientTimeout(total=60, connect=10)
        session = aiohttp.ClientSession(headers=headers, connector=connector, timeout=timeout)
        return await self._stack.enter_async_context(session)

    async def call(
        self, method: str, url: str, body: Any = None, *, safety: Safety, patience: Patience
    ) -> Reply:
        """Make a call, again where that is safe, with growing delays and full jitter.

        :raises UnreachableError: when patience ends without an answer, or trying again is not safe.
        """
        attempt = 0
        while True:
            try:
                reply = await self._call_once(method, url, body, safety)
                reply = replace(reply, repeated=attempt > 0)
                if reply.status not in RETRIED_STATUSES or safety is Safety.ONCE:
                    return reply
                problem = UnreachableError(f"{url} answers {reply.status}", connected=True)
            except UnreachableError as error:
                reply, problem = None, error
            delay = random.uniform(0, _ceiling(attempt))  # noqa: S311 - jitter
            unsafe = safety is Safety.ONCE and problem.connected
            if unsafe or patience.ends_within(delay):
                if reply is not None:
                    return reply
                raise problem
            level = logging.DEBUG if attempt else logging.WARNING
            logger.log(level, "%s; trying again", problem)
            self._on_retry()
            await asyncio.sleep(delay)
            attempt += 1

    async def _call_once(self, method: str, url: str, body: Any, safety: Safety) -> Reply:
        try:
            async with self._sessions[safety].request(method, url, json=body) as response:
                self.announced = self.announced or MANAGER_HEADER in response.headers
                return Reply(response.status, await response.text(errors="replace"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(url, error) from error


def _ceiling(attempt: int) -> float:
    return min(_FIRST_DELAY_SECONDS * 2.0 ** min(attempt, 16), _LONGEST_DELAY_SECONDS)


def _unreachable(url: str, error: BaseException) -> UnreachableError:
    connecting = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return UnreachableError(
        f"the state manager does not answer at {url}: {error or type(error).__name__}",
        hint="check that it runs and that the URI is right",
        connected=not connecting,
    )
