"""A call that may take only so long. No thread can be killed: one that outstays its time is abandoned."""

from __future__ import annotations

import contextvars
import ctypes
import threading
from collections.abc import Callable
from typing import Any


class Abandoned(BaseException):
    """Raised inside of a call that took too long, at its next step in Python."""


def call_in_time(call: Callable[[], Any], seconds: float) -> tuple[bool, Any]:
    """Return whether `call` ended in time, and what it gave.

    It runs in a thread of its own, in a copy of this context. When time is up, :class:`Abandoned` is raised
    in it, which ends what is written in Python; what waits for a child process ends with the child.

    :raises BaseException: what the call raised.
    """
    result: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            result.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(
        target=contextvars.copy_context().run, args=(run,), name="groundup-limited", daemon=True
    )
    thread.start()
    try:
        thread.join(seconds)
    finally:
        if thread.is_alive():
            abandon(thread)
    if errors and not isinstance(errors[0], Abandoned):
        raise errors[0]
    return bool(result), result[0] if result else None


def abandon(thread: threading.Thread) -> None:
    """Raise :class:`Abandoned` in `thread`, which CPython does between two steps of its code."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Abandoned))
