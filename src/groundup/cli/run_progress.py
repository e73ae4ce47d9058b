"""Waiting for the end of a run, with what happens meanwhile on stderr."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from groundup.errors import GroundupError

if TYPE_CHECKING:
    from groundup.nodes import StateManager
    from groundup.nodes.models import StateStatus

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds; the longer nothing changed, the longer
TIMED_OUT = 124  # exit code, as that of timeout(1)
ENDING = {"SUCCESS", "FAILED", "CANCELLED"}


class RunTimeoutError(GroundupError):
    """A run did not end in time; it goes on."""

    exit_code = TIMED_OUT


async def wait_for_end(client: StateManager, run_id: str, seconds: float | None) -> str:
    """Return the status that a run ended with.

    :param seconds: how long to wait; None: for ever.
    :raises RunTimeoutError: it did not end in time.
    :raises StateManagerError: there is none.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    display = CountsDisplay(sys.stderr)
    pause = FIRST_PAUSE
    try:
        while True:
            status, counts = await _look(client, run_id)
            changed = display.show(counts)
            if status in ENDING:
                return status
            if deadline is not None and time.monotonic() > deadline:
                raise RunTimeoutError(
                    f"run {run_id} has not ended after {seconds:g} s: {told(counts)}",
                    hint="check that a worker polls for its nodes; the run goes on",
                )
            pause = FIRST_PAUSE if changed else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)
    finally:
        display.close()


async def _look(client: StateManager, run_id: str) -> tuple[str, Mapping[str, int]]:
    from groundup.nodes.errors import NotOfferedError

    try:
        run = await client.describe_run(run_id)
    except NotOfferedError:
        graph = await client.get_run(run_id)
        return graph.status.value, _by_name(graph.execution_summary)
    return run.status.value, _by_name(run.counts)


def _by_name(counts: Mapping[StateStatus, int]) -> Mapping[str, int]:
    return {status.value: count for status, count in counts.items()}


def told(counts: Mapping[str, int]) -> str:
    """Return how many node states are in which status, as text."""
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


class CountsDisplay:
    """Shows how far a run is: on a terminal in one line, else a line for each change."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._last = ""

    def show(self, counts: Mapping[str, int]) -> bool:
        """Show them; gives whether they changed."""
        text = told(counts)
        if text == self._last:
            return False
        self._last = text
        self._stream.write(f"\r\033[K{text}" if self._live else f"{text}\n")
        self._stream.flush()
        return True

    def close(self) -> None:
        """Leave the line, unless the terminal is gone."""
        if self._live and self._last:
            with suppress(OSError):
                self._stream.write("\n")
