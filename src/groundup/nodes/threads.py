"""Plain functions in threads that a process need not wait for when it ends."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any


async def in_thread(function: Callable[[], Any]) -> Any:
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
    result, failure = await future
    if failure is not None:
        raise failure
    return result


def _settle(future: asyncio.Future[tuple[Any, BaseException | None]], ended: tuple[Any, Any]) -> None:
    if not future.done():
        future.set_result(ended)
