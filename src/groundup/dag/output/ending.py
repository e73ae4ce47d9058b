"""Ends processes: asked first, forced after a grace period."""

from __future__ import annotations

import signal
import time
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from groundup.dag.output.processes import Process, send

if TYPE_CHECKING:
    import subprocess

    from groundup.dag.output.children import Children

STUBBORN = 5.0  # seconds in which a killed process has to be gone, unless a system call of it hangs
POLL = 0.01
FOREIGN = -1  # in place of a signal: this user may not send any


def end_processes(running: Collection[Children], grace: float) -> None:
    """Send SIGTERM to all processes of `running`, SIGKILL after `grace` seconds; wait until they are gone.

    A process that appears meanwhile is treated like the others; one that this user may not signal is left.
    """
    begun = time.monotonic()
    sent: dict[tuple[int, float], int] = {}
    while living := [process for children in running for process in children.living()]:
        elapsed = time.monotonic() - begun
        _signal_once(living, signal.SIGTERM if elapsed < grace else signal.SIGKILL, sent)
        if elapsed > grace + STUBBORN or all(sent[process.identity] == FOREIGN for process in living):
            return
        time.sleep(POLL)


def _signal_once(living: list[Process], number: int, sent: dict[tuple[int, float], int]) -> None:
    for process in living:
        if sent.get(process.identity) not in (number, FOREIGN):
            sent[process.identity] = number if send(process, number) else FOREIGN


def end_handles(handles: Collection[subprocess.Popen[Any]], grace: float) -> None:
    """Terminate processes of which nothing is known but that they were started."""
    from subprocess import TimeoutExpired

    deadline = time.monotonic() + grace
    for handle in handles:
        handle.terminate()
    for handle in handles:
        with suppress(TimeoutExpired):
            handle.wait(max(0.0, deadline - time.monotonic()))
        handle.kill()
