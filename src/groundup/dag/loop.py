"""One event loop, in a thread of its own, for all states that are coroutines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from groundup.dag.errors import StateTimeoutError
from groundup.dag.output import Outside

STOP_SECONDS = 3.0


class LoopThread:
    """Runs coroutines for other threads, each in a copy of the context of the thread that asks."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="groundup-loop", daemon=True)
        self._thread.start()

    def run(
        self,
        function: Callable[..., Coroutine[Any, Any, Any]],
        arguments: Mapping[str, Any],
        seconds: float | None,
        end_children: Callable[[], None],
    ) -> Any:
        """Wait for ``function(**arguments)`` and return what it gives.

        :param end_children: called when time is up, before the coroutine is cancelled.
        :raises StateTimeoutError: it took longer than `seconds`.
        :raises BaseException: what it raised.
        """
        future = asyncio.run_coroutine_threadsafe(_called(function, arguments), self._loop)
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done():  # its own
                return future.result()
            end_children()
            future.cancel()
            raise StateTimeoutError(seconds or 0) from None
        except KeyboardInterrupt:
            future.cancel()
            raise

    def _run(self) -> None:
        with Outside():  # it serves all states and belongs to none
            self._loop.run_forever()

    def close(self) -> None:
        """Cancel what still runs, and end the loop."""
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(STOP_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()


async def _called(function: Callable[..., Coroutine[Any, Any, Any]], arguments: Mapping[str, Any]) -> Any:
    return await function(**arguments)


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
