"""The caller's side of the guard: one for this process, started with its first container."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundup.execution.supervision.beside import start_beside


class _Guard:
    """What this process has of its guard."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._held: int | None = None
        self._pid = 0
        self._names: set[tuple[str, str]] = set()

    def add(self, engine: str, name: str) -> None:
        """Have a container removed when this process is dead, from before it exists."""
        with self._lock:
            self._names.add((engine, name))
            self._say("add", engine, name)

    def drop(self, engine: str, name: str, *, removed: bool) -> None:
        """Take a container back; one that was not removed is removed by the guard, now."""
        with self._lock:
            self._say("drop" if removed else "end", engine, name)
            self._names.discard((engine, name))

    def forget(self) -> None:
        """Close what belongs to the guard in this process; it removes what is left when this process is dead.

        In a forked child nothing is left: the guard goes on for the parent.
        """
        control, held = self._control, self._held
        self._clear()
        _close(control, held)

    def _say(self, word: str, engine: str, name: str) -> None:
        try:
            self._send(word, engine, name)
        except OSError:  # there is none yet, or somebody killed it
            self._start()
            for each in self._names:
                self._send("add", *each)
            self._send(word, engine, name)

    def _send(self, word: str, engine: str, name: str) -> None:
        if self._control is None:
            raise ConnectionError
        message = json.dumps({"word": word, "engine": engine, "name": name})
        self._control.send(message.encode(), socket.MSG_NOSIGNAL)

    def _start(self) -> None:
        _close(self._control, self._held)
        if self._pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            self._pid, self._held = start_beside("guard", Path(__file__).parent, there)
        self._control = here


def _close(control: socket.socket | None, held: int | None) -> None:
    if control is not None:
        control.close()
    if held is not None:
        os.close(held)


_guard = _Guard()
os.register_at_fork(after_in_child=_guard.forget)
atexit.register(_guard.forget)


@contextmanager
def guarded(engine: str, name: str) -> Iterator[None]:
    """Have a container removed that the block does not remove: when it ends by an error, or this process."""
    _guard.add(engine, name)
    removed = False
    try:
        yield
        removed = True
    finally:
        _guard.drop(engine, name, removed=removed)
