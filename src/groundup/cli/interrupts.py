"""Ctrl-C, SIGTERM and SIGHUP end a run: child processes first, then this one, with the usual code.

A second one ends both at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 0.02  # seconds


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived.

    :cvar exit_code: as a shell reports it.
    :cvar word: what became of the run.
    """

    exit_code = 143
    word = "terminated"


class HungUp(Terminated):
    """SIGHUP arrived: the terminal is gone."""

    exit_code = 129
    word = "hung up"


class Interrupts:
    """What signals do in a block of :func:`terminable`.

    :ivar kill: kills the processes that this one started; called before a second signal ends this one.
    """

    def __init__(self) -> None:
        self.kill: Callable[[], None] = lambda: None
        self._has_come = False

    def raising(self, error: type[KeyboardInterrupt]) -> Callable[[int, FrameType | None], None]:
        """Return a handler that raises `error`; not while a process is started, which nobody would know."""

        def handle(number: int, frame: FrameType | None) -> None:
            if self._has_come:
                self._end_at_once(number)
            if not _is_starting_a_process(frame):
                self._has_come = True
                raise error
            again = threading.Timer(AGAIN, _send_to_main_thread, (number,))
            again.daemon = True
            again.start()

        return handle

    def _end_at_once(self, number: int) -> None:
        try:
            self.kill()
        finally:
            if os.isatty(2):
                os.write(2, SHOW_CURSOR)
            os._exit(128 + number)


SHOW_CURSOR = b"\x1b[?25h\n"  # a live display hides it


@contextmanager
def terminable() -> Iterator[Interrupts]:
    """Let SIGTERM and SIGHUP raise in the block, where that can be: in the main thread.

    :raises Terminated: one of them arrived.
    :raises KeyboardInterrupt: SIGINT arrived.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = {}
    for number, error in _errors().items():
        before[number] = signal.signal(number, interrupts.raising(error))
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


class _Told(KeyboardInterrupt):
    """A signal ends a block that only waits."""


@contextmanager
def until_told() -> Iterator[None]:
    """End the block, which waits in the main thread, at SIGTERM or SIGINT; a second one ends the process."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}

    def tell(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        raise _Told  # an event must not be set here: who waits for it may have its lock

    for number in numbers:
        signal.signal(number, tell)
    try:
        yield
    except _Told:
        return
    for number in numbers:
        signal.signal(number, before[number])


def _errors() -> dict[signal.Signals, type[KeyboardInterrupt]]:
    """Return what each signal raises; those that somebody else sees to, or nohup ignores, are left alone."""
    errors: dict[signal.Signals, type[KeyboardInterrupt]] = {signal.SIGTERM: Terminated}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        errors[signal.SIGINT] = KeyboardInterrupt
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        errors[signal.SIGHUP] = HungUp
    return errors


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
