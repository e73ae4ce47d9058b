"""A worker in a thread of its own, for as long as a block."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from groundup.nodes.runtime import Runtime


class PollingWorker:
    """Lets ``runtime`` poll in a thread, from the time when its nodes are registered to the end of the block.

    :ivar runtime: what polls.
    :raises RegistrationError: when the state manager refuses the nodes.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._ended = threading.Event()
        self._begun = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="groundup-worker", daemon=True)

    def __str__(self) -> str:
        return "at work"

    def __enter__(self) -> Self:
        """Start; returns when the nodes are registered."""
        self._thread.start()
        try:
            self._begun.wait()
        except BaseException:
            self.stop()
            raise
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Claim nothing more, let running executions end, give the rest back."""
        self.stop()

    def stop(self) -> None:
        """End it in order."""
        self.runtime.stop()
        self._thread.join()

    def wait(self, seconds: float) -> bool:
        """Wait so long for its end; gives whether it ended by itself.

        :raises BaseException: what it ended with.
        """
        ended = self._ended.wait(seconds)
        if self._failure is not None:
            raise self._failure
        return ended

    def _run(self) -> None:
        try:
            asyncio.run(self._polling())
        except BaseException as error:
            self._failure = error
        finally:
            self._ended.set()
            self._begun.set()

    async def _polling(self) -> None:
        polling = asyncio.create_task(self.runtime.run())
        registered = asyncio.create_task(self.runtime.registered.wait())
        try:
            await asyncio.wait([polling, registered], return_when=asyncio.FIRST_COMPLETED)
            if not polling.done():
                self._begun.set()
            await polling
        finally:
            registered.cancel()
