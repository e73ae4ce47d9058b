"""Plain functions in threads that a process need not wait for when it ends."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """Run ``function`` in a thread of its own, with the context variables of here, and give its result.

    Cancelling does not end the thread: its result is dropped then.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def work() -> None:
        result, failure = None, None
        try:
            result = context.run(function)
        except BaseException as error:
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_settle, future, (result, failure))

    threading.Thread(target=work, name="groundup-node", daemon=True).start()
    result: T
    result, failure = await future
    if failure is not None:
        raise failure
    return result


async def in_stoppable_thread(function: Callable[[int], T]) -> T:
    """As :func:`in_thread`, with a descriptor that becomes readable when nobody wants the result any more.

    Cancelling waits until ``function`` has seen that and returned, or raised.
    """
    stopped, stop = os.pipe()

    def work() -> T:
        try:
            return function(stopped)
        finally:
            os.close(stopped)

    running = asyncio.ensure_future(in_thread(work))
    try:
        return await asyncio.shield(running)
    finally:
        with suppress(BrokenPipeError):  # it has ended
            os.write(stop, b"x")
        os.close(stop)
        with suppress(Exception):
            await running


def _settle(future: asyncio.Future[tuple[Any, BaseException | None]], ended: tuple[Any, Any]) -> None:
    if not future.done():
        future.set_result(ended)
