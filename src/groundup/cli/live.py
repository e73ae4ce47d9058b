"""The live tree of a run on a terminal: times that count, a spinner at what runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from rich.console import Console
from rich.live import Live
from rich.text import Text

from groundup.cli.progress import painter
from groundup.cli.tree import Step, duration, tree_lines

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAMES_PER_SECOND = 10


class LiveTree:
    """Draws `steps`, which grow while it is shown, and clears the drawing at the end."""

    def __init__(self, steps: Mapping[str, Step]) -> None:
        self._steps = steps
        self._console = Console(stderr=True)
        self._live = Live(
            get_renderable=self._tree,
            console=self._console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def open(self) -> None:
        """Begin to draw."""
        self._live.start()

    def started(self, step: Step) -> None:
        """The next drawing shows `step`."""

    def close(self) -> None:
        """Clear the drawing."""
        self._live.stop()

    def _tree(self) -> Text:
        lines = list(tree_lines(dict(self._steps), _running, painter(sys.stderr)))
        return Text.from_ansi("\n".join(lines[-self._console.height :]), no_wrap=True, overflow="ellipsis")


def _running(step: Step) -> str:
    seconds = time.perf_counter() - step.began
    frame = FRAMES[int(seconds * FRAMES_PER_SECOND) % len(FRAMES)]
    return f"{frame} {step.state.name}  {duration(seconds)}  {step.state.summary}"
