"""A proxy between workers and managers that loses, delays, repeats and cuts what passes."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Self, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

_PAUSES = (0.05, 0.5)  # seconds, the shortest and the longest


class Fate(Enum):
    """What becomes of a request and its answer."""

    PASS = "both arrive"
    LOSE_REQUEST = "the request does not arrive"
    LOSE_ANSWER = "the request arrives, the answer does not"
    CUT_ANSWER = "only a part of the answer arrives"
    DELAY_REQUEST = "the request arrives later"
    DELAY_ANSWER = "the answer arrives later"
    REPEAT_REQUEST = "the request arrives twice"
    REPEAT_ANSWER = "the answer arrives twice"


class BadNetwork:
    """Passes each request on to the first of `managers` that can be reached, while its `with` block runs.

    :param weights: how likely each fate is, compared with the others; without any, everything passes.
    :ivar fates: how often each fate came about.
    """

    def __init__(
        self, managers: Sequence[str], weights: Mapping[Fate, float] | None = None, seed: int = 20
    ) -> None:
        self.fates: Counter[Fate] = Counter()
        self._behind = [urlsplit(uri) for uri in managers]
        self._weights = dict(weights or {Fate.PASS: 1})
        self._chance = random.Random(seed)  # noqa: S311 - which requests are hit
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._connections: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def uri(self) -> str:
        """Address of the proxy."""
        return f"http://127.0.0.1:{self._port}"

    def heal(self) -> None:
        """Let everything pass from now on."""
        self._weights = {Fate.PASS: 1}

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._wait_for(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._wait_for(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait_for(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(30)

    async def _end(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Handle one request; false when the connection is to be closed."""
        request = await _message(reader)
        fate = self._chance.choices([*self._weights], [*self._weights.values()])[0]
        self.fates[fate] += 1
        if fate is Fate.LOSE_REQUEST:
            return False
        if fate is Fate.DELAY_REQUEST:
            await self._pause()
        answer = await self._asked(request)
        if fate is Fate.REPEAT_REQUEST:
            answer = await self._asked(request)
        if fate is Fate.LOSE_ANSWER:
            return False
        if fate is Fate.DELAY_ANSWER:
            await self._pause()
        if fate is Fate.CUT_ANSWER:
            writer.write(answer[: len(answer) // 2])
            await writer.drain()
            return False
        writer.write(answer * 2 if fate is Fate.REPEAT_ANSWER else answer)
        await writer.drain()
        return True

    async def _pause(self) -> None:
        await asyncio.sleep(self._chance.uniform(*_PAUSES))

    async def _asked(self, request: bytes) -> bytes:
        """The answer of the first manager that can be reached."""
        reader, writer = await self._reached()
        try:
            writer.write(request)
            await writer.drain()
            return await _message(reader)
        finally:
            writer.close()

    async def _reached(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for place in self._behind:
            with suppress(ConnectionRefusedError):
                return await asyncio.open_connection(place.hostname, place.port)
        raise ConnectionRefusedError


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request or answer, whole; its length stands in its head."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.splitlines()[1:] if b":" in line)
    return head + await reader.readexactly(int(fields.get(b"content-length", b"0")))
