"""Output of a run as an asynchronous iterator: the run is in a thread, the consumer in an event loop."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from groundup.errors import UserError
from groundup.execution.result import ExecutionResult
from groundup.execution.run import Run
from groundup.execution.streams import Stopped

if TYPE_CHECKING:  # slow imports, for few
    import asyncio
    from concurrent.futures import Future

LOOK = 0.5  # seconds; how often it is looked whether the event loop still is there
AHEAD = 2**21  # characters that wait for the consumer; then the run waits until half of them are taken


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of output as it arrived, never split inside a character."""

    stream: Literal["stdout", "stderr"]
    text: str

    @property
    def data(self) -> bytes:
        """The bytes that were written."""
        return self.text.encode("utf-8", "surrogateescape")


class OutputStream:
    """The output of a run that goes on: iterate over it, or await it.

    ::

        async with runtime.stream_script("report.py") as output:
            async for chunk in output:
                print(chunk.text, end="")
        output.result.exit_code

    The run starts when the block is entered. A consumer that is slow slows it down. Whoever leaves the block
    before the end kills it, with all that it started. ``await runtime.stream_script(…)`` gives the result
    alone. The loop raises at its end what ``run_script`` would raise.
    """

    def __init__(self, execute: Callable[[Run], ExecutionResult], run: Run) -> None:
        from concurrent.futures import Future

        self._execute = execute
        self._run = run
        self._future: Future[ExecutionResult] = Future()
        # The run appends and counts what arrived, the consumer takes and counts that: neither needs a lock.
        self._chunks: deque[Chunk] = deque()
        self._arrived = self._taken = 0  # characters
        self._is_begun = self._is_left = self._is_idle = self._is_full = False
        self._room = threading.Condition()

    async def __aenter__(self) -> Self:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Event = asyncio.Event()
        self._is_begun = True
        stopped, self._stop = os.pipe()
        run = self._run.told(self._listener("stdout"), self._listener("stderr"), stopped)
        work = partial(copy_context().run, self._work, run, stopped)
        threading.Thread(target=work, name="groundup-run", daemon=True).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import asyncio

        with self._room:
            self._is_left = True
            self._room.notify()
        with contextlib.suppress(BrokenPipeError):  # it has ended
            os.write(self._stop, b"x")
        os.close(self._stop)
        with contextlib.suppress(Exception):  # what the run raises, the loop has raised
            await asyncio.shield(asyncio.wrap_future(self._future))

    def __aiter__(self) -> Self:
        if not self._is_begun:
            raise UserError(
                "the run was not started: it begins and ends with a block",
                hint="async with runtime.stream_script(…) as output, then async for chunk in output",
            )
        return self

    async def __anext__(self) -> Chunk:
        while not self._chunks:
            self._is_idle = True
            if self._future.done() and not self._chunks:  # in this order: nothing arrives after the end
                self._future.result()
                raise StopAsyncIteration
            if not self._chunks:
                await self._news.wait()
            self._is_idle = False
            self._news.clear()
        return self._take()

    def __await__(self) -> Generator[Any, None, ExecutionResult]:
        return self._to_the_end().__await__()

    @property
    def result(self) -> ExecutionResult:
        """The result; raises what the run raised, and RuntimeError before its end."""
        if not self._future.done():
            raise RuntimeError("the run has not ended: there is no result yet")
        return self._future.result()

    async def _to_the_end(self) -> ExecutionResult:
        async with self:
            async for _ in self:
                pass
        return self.result

    def _take(self) -> Chunk:
        chunk = self._chunks.popleft()
        self._taken += len(chunk.text)
        if self._is_full and self._waiting <= AHEAD // 2:
            with self._room:
                self._room.notify()
        return chunk

    @property
    def _waiting(self) -> int:
        """Characters that wait for the consumer."""
        return self._arrived - self._taken

    def _listener(self, stream: Literal["stdout", "stderr"]) -> Callable[[str], None]:
        return lambda text: self._put(Chunk(stream, text))

    def _put(self, chunk: Chunk) -> None:
        if self._waiting >= AHEAD:
            self._wait_for_room()
        if self._is_left:
            raise Stopped
        self._arrived += len(chunk.text)
        self._chunks.append(chunk)
        if self._is_idle:
            self._tell()

    def _wait_for_room(self) -> None:
        with self._room:
            self._is_full = True  # before it is looked: whoever takes something looks here afterwards
            while not self._room.wait_for(lambda: self._waiting <= AHEAD // 2 or self._is_left, LOOK):
                if self._loop.is_closed():  # nobody will take anything
                    raise Stopped
            self._is_full = False

    def _work(self, run: Run, stopped: int) -> None:
        try:
            result = self._execute(run)
        except BaseException as error:
            self._future.set_exception(error)
        else:
            self._future.set_result(result)
        finally:
            os.close(stopped)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._tell()

    def _tell(self) -> None:
        self._loop.call_soon_threadsafe(self._news.set)
