"""Ctrl-C and SIGTERM end a run in the same way: child processes first, then this one, with the usual code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 0.02  # seconds


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise :class:`Terminated` in the block, where that can be: in the main thread.

    :raises Terminated: SIGTERM arrived.
    :raises KeyboardInterrupt: SIGINT arrived.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, _raising(Terminated))}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, _raising(KeyboardInterrupt))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _raising(error: type[KeyboardInterrupt]) -> Callable[[int, FrameType | None], None]:
    """Return a handler that raises `error`, not while a process is started: nobody would know the process."""

    def handle(number: int, frame: FrameType | None) -> None:
        if not _is_starting_a_process(frame):
            raise error
        again = threading.Timer(AGAIN, _send_to_main_thread, (number,))
        again.daemon = True
        again.start()

    return handle


def _send_to_main_thread(number: int) -> None:
    ident = threading.main_thread().ident
    if sys.platform != "win32" and ident is not None:
        signal.pthread_kill(ident, number)  # what waits in the system is woken by a signal of its own only
    else:
        signal.raise_signal(number)


def _is_starting_a_process(frame: FrameType | None) -> bool:
    """Return whether a state is about to start a process that it does not yet have among its children."""
    hooks = sys.modules.get("groundup.dag.output.hooks")
    while frame is not None and hooks is not None:
        if frame.f_code.co_name == "start" and frame.f_code.co_filename == hooks.__file__:
            return True
        frame = frame.f_back
    return False
