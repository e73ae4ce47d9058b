"""Shows a run while it lasts: a live tree on a terminal, else a line at each start. Short runs show nothing.

What is shown goes to stderr. The display begins in a thread of its own after `DELAY`, so that a run which
ends before pays for no library that draws.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol, Self, TextIO

from groundup.cli.tree import Step, tree_lines
from groundup.dag import Event, Finished, Started

DELAY = 0.3  # seconds


class Display(Protocol):
    """Shows the steps of a run between opening and closing."""

    def open(self) -> None:
        """Begin."""

    def started(self, step: Step) -> None:
        """Show that `step` runs."""

    def close(self) -> None:
        """End; a live display clears what it drew."""


class Progress:
    """Collects the steps of a run; pass :meth:`on_event` to a runner inside the ``with`` block.

    :param delay: seconds before anything is shown.
    """

    def __init__(self, delay: float = DELAY) -> None:
        self.steps: dict[str, Step] = {}
        self._display: Display | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(delay, self._show)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._closed = True
            if self._display:
                self._display.close()
        self._timer.join()

    def on_event(self, event: Event) -> None:
        """Take note of what the runner tells."""
        with self._lock:
            if isinstance(event, Started):
                self._begin(Step(event.state, time.perf_counter()))
            elif isinstance(event, Finished):
                self._end(event)

    def write(self, stream: TextIO) -> None:
        """Write the tree of what happened to `stream`."""
        for line in tree_lines(self.steps, lambda step: f"… {step.state.name}", painter(stream)):
            stream.write(line + "\n")
        stream.flush()

    def _begin(self, step: Step) -> None:
        self.steps[step.state.name] = step
        if self._display:
            self._display.started(step)

    def _end(self, event: Finished) -> None:
        state = event.outcome.state
        step = self.steps.setdefault(state.name, Step(state, time.perf_counter()))
        step.outcome = event.outcome

    def _show(self) -> None:
        display = make_display(self.steps)
        with self._lock:
            if self._closed:
                return
            display.open()
            for step in self.steps.values():
                if step.outcome is None:
                    display.started(step)
            self._display = display


class PlainLines:
    """A line at each start."""

    def open(self) -> None:
        """Nothing comes before the first line."""

    def started(self, step: Step) -> None:
        """Write the state's name and what it is about."""
        sys.stderr.write(f"→ {step.state.name}: {step.state.summary}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Lines that are written stay."""


def make_display(steps: dict[str, Step]) -> Display:
    """Return the display that suits stderr."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return PlainLines()
    from groundup.cli.live import LiveTree

    return LiveTree(steps)


def painter(stream: TextIO) -> Callable[[str, str], str]:
    """Return a function that colours text for `stream`: for a terminal, unless NO_COLOR is set."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return lambda text, _colour: text
    return lambda text, colour: f"\033[{colour}m{text}\033[0m"
