"""Keeps the output of states apart while they run, and in one log file per run."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from groundup.dag.output.current import Outside
from groundup.dag.output.log import RunLog
from groundup.dag.output.storage import Storage
from groundup.dag.output.streams import Streams
from groundup.dag.output.watching import watching
from groundup.dag.output.written import Output, Run

if TYPE_CHECKING:
    from types import TracebackType


class Capture:
    """Captures what states and their processes write, in a ``with`` block around a run.

    ::

        with Capture(root / ".groundup" / "runs") as capture:
            with capture.of("build") as output:
                build()
            print(output.tail())

    What is written goes to files, never to a pipe that could fill up. Where the folder cannot be written a
    temporary one is used, else nothing is captured; one line on stderr says so.

    :param folder: gets one log file per run that has output; it is made when the first one is.
    :param keep: how many log files of runs may be in it; the oldest are removed.
    """

    def __init__(self, folder: Path, keep: int = 20) -> None:
        self._streams = Streams()
        self._stack = ExitStack()
        storage = Storage(folder, self._say)
        self._run = Run(storage, RunLog(storage, keep))

    def __enter__(self) -> Self:
        self._stack.enter_context(watching())
        self._stack.enter_context(self._streams)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            for output in list(self._run.opened):
                output.finish("unfinished")
                output.release()
            self._run.storage.close()

    @property
    def log(self) -> Path | None:
        """The log file of this run; None as long as no state that has ended wrote anything."""
        return self._run.log.path

    def of(self, name: str) -> Output:
        """Return what captures one evaluation of the state `name`: a ``with`` block around it."""
        return Output(name, self._run)

    def _say(self, line: str) -> None:
        with suppress(OSError, ValueError), Outside():
            self._streams.stderr.real.write(f"{line}\n")
            self._streams.stderr.real.flush()
