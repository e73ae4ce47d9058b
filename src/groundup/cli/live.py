"""The live tree of a run on a terminal: times that count, a spinner at what runs and its last line."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from groundup import proto_kernel
from groundup.cli.progress import Display, painter
from groundup.cli.tree import MANY, Step, counts, duration, tree_lines

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAMES_PER_SECOND = 10
OTHER_LINES = 3  # below the tree: what is left out of it, a count, and the cursor


class LiveTree(Display):
    """Draws `steps`, which grow while it is shown, and clears the drawing at the end.

    :param planned: names of the states that there are at least, in the order in which they are drawn.
    """

    def __init__(self, steps: dict[str, Step], stream: TextIO, planned: Sequence[str]) -> None:
        self._steps = steps
        self._places = {name: place for place, name in enumerate(planned)}
        self._paint = painter(stream)
        self._console = Console(file=stream)
        self._live = Live(
            get_renderable=self._drawing,
            console=self._console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def open(self) -> None:
        """Begin to draw."""
        self._live.start()

    def write(self, text: str) -> None:
        """Write text above the tree."""
        self._console.print(Text.from_ansi(text.rstrip("\n")), soft_wrap=True)

    def close(self) -> None:
        """Clear the drawing."""
        self._live.stop()

    def _drawing(self) -> Text:
        text = proto_kernel.mask("\n".join(self._lines()))
        return Text.from_ansi(text, no_wrap=True, overflow="ellipsis")

    def _lines(self) -> Iterator[str]:
        last = len(self._places)
        steps = dict(sorted(self._steps.copy().items(), key=lambda item: self._places.get(item[0], last)))
        most = max(1, min(MANY, self._console.height - OTHER_LINES))
        yield from tree_lines(steps, _running, self._paint, most=most, short=True)
        yield self._paint(self._count(steps), "2")

    def _count(self, steps: dict[str, Step]) -> str:
        ended = counts(step.outcome for step in steps.values() if step.outcome)
        done = sum(ended.values())
        texts = [f"{status.value} {count}" for status, count in ended.items() if count]
        texts.append(f"running {len(steps) - done}")
        return f"{done} of {max(len(self._places), len(steps))}: {' · '.join(texts)}"


def _running(step: Step) -> str:
    seconds = time.perf_counter() - step.began
    frame = FRAMES[int(seconds * FRAMES_PER_SECOND) % len(FRAMES)]
    return f"{frame} {step.state.name}  {duration(seconds)}  {step.said()}"
