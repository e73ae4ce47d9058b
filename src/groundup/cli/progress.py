"""Shows a run while it lasts: a live tree on a terminal, else lines. Short runs show nothing.

What is shown goes to stderr. The display begins in a thread of its own after `DELAY`, so that a run which
ends before pays for no library that draws.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Self, TextIO

from groundup import proto_kernel
from groundup.cli.tree import Step, duration, headline, with_reason
from groundup.dag import Event, Finished, Started, Status
from groundup.dag.errors import describe
from groundup.dag.outcome import Retrying, Waiting

DELAY = 0.3  # seconds
EVALUATED = (Status.OK, Status.CHANGED, Status.FAILED)


class Display:
    """Shows the steps of a run between opening and closing."""

    def open(self) -> None:
        """Begin."""

    def started(self, step: Step) -> None:
        """Show that `step` runs."""

    def noted(self, step: Step) -> None:
        """Show what there is to say of `step`."""

    def finished(self, step: Step) -> None:
        """Show how `step` ended."""

    def write(self, text: str) -> None:
        """Show lines that stay."""

    def close(self) -> None:
        """End; a live display clears what it drew."""


class Progress:
    """Collects the steps of a run; pass :meth:`on_event` to a runner inside the ``with`` block.

    :param delay: seconds before anything is shown.
    :param is_live: whether stderr is free for a live display; not so where states write to it.
    :param output_of: gives what a state wrote, to be shown when it has ended.
    :param planned: gives the names of the states that are planned, in their order.
    """

    def __init__(
        self,
        delay: float = DELAY,
        *,
        is_live: bool = True,
        output_of: Callable[[str], str] | None = None,
        planned: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.steps: dict[str, Step] = {}
        self._stream = sys.stderr  # before a run replaces it
        self._make_display = partial(make_display, self.steps, self._stream, planned, is_live=is_live)
        self._output_of = output_of
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
                self._display = None
        self._timer.join()

    def on_event(self, event: Event) -> None:
        """Take note of what the runner tells."""
        with self._lock:
            if isinstance(event, Started):
                self._begin(Step(event.state, time.perf_counter(), last_line=event.last_line))
            elif isinstance(event, Finished):
                self._end(event)
            elif isinstance(event, Retrying):
                text = f"attempt {event.attempt} failed: {first_line(describe(event.error))}"
                self._note(event, f"{text}; the next one in {duration(event.delay)}", event.delay)
            else:
                self._note(event, event.text, math.inf)

    def _begin(self, step: Step) -> None:
        self.steps[step.state.name] = step
        if self._display:
            self._display.started(step)

    def _end(self, event: Finished) -> None:
        outcome = event.outcome
        step = self.steps.setdefault(outcome.state.name, Step(outcome.state, time.perf_counter()))
        step.outcome = outcome
        if self._display:
            self._display.finished(step)
        if self._output_of and outcome.status in EVALUATED:
            self._write_output(step, self._output_of(outcome.state.name))

    def _note(self, event: Retrying | Waiting, text: str, seconds: float) -> None:
        now = time.perf_counter()
        step = self.steps.setdefault(event.state.name, Step(event.state, now))
        step.note, step.note_until = text, now + seconds
        if self._display:
            self._display.noted(step)

    def _write_output(self, step: Step, output: str) -> None:
        if not output:
            return
        lines = [f"{step.state.name} wrote:", *output.rstrip().splitlines()]
        text = "\n│ ".join(lines) + "\n"
        if self._display:
            self._display.write(text)
        else:
            self._stream.write(text)
            self._stream.flush()

    def _show(self) -> None:
        display = self._make_display()
        with self._lock:
            if self._closed:
                return
            display.open()
            for step in self.steps.values():
                if step.outcome is None:
                    (display.noted if step.note else display.started)(step)
            self._display = display


class PlainLines(Display):
    """A line for each thing that happens."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._paint = painter(stream)

    def started(self, step: Step) -> None:
        """Write the state's name and what it is about."""
        summary = step.state.summary
        self.write(f"→ {step.state.name}{': ' if summary else ''}{summary}\n")

    def noted(self, step: Step) -> None:
        """Write what there is to say."""
        self.write(f"… {step.state.name}: {step.note}\n")

    def finished(self, step: Step) -> None:
        """Write how long the evaluation took, and how it ended."""
        if step.outcome and step.outcome.status in EVALUATED:
            self.write(f"{with_reason(headline(step.outcome, self._paint), step.outcome, self._paint)}\n")

    def write(self, text: str) -> None:
        """Write text at once, secrets masked."""
        self._stream.write(proto_kernel.mask(text))
        self._stream.flush()


def make_display(
    steps: dict[str, Step], stream: TextIO, planned: Callable[[], Sequence[str]], *, is_live: bool
) -> Display:
    """Return the display that suits `stream`."""
    if not is_live or not stream.isatty() or os.environ.get("TERM") == "dumb":
        return PlainLines(stream)
    from groundup.cli.live import LiveTree

    return LiveTree(steps, stream, planned())


def painter(stream: TextIO) -> Callable[[str, str], str]:
    """Return a function that colours text for `stream`: for a terminal, unless NO_COLOR is set."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return lambda text, _colour: text
    return lambda text, colour: f"\033[{colour}m{text}\033[0m"


def first_line(text: str) -> str:
    """Return the first line of a text, which may have none."""
    return text.strip().partition("\n")[0]
