"""What one state and its processes write: kept in a file of its own, then in the log of the run."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from groundup.dag.output.current import Running, current
from groundup.dag.output.files import OwnFile, blocks
from groundup.dag.output.log import Part, RunLog
from groundup.dag.output.storage import Storage
from groundup.dag.output.text import masked, plain

if TYPE_CHECKING:
    from types import TracebackType

ENDINGS = (2**12, 2**16, 2**20)  # bytes that are read for the last lines, until they hold enough


class Run:
    """What the outputs of a run share.

    :ivar opened: the outputs that hold files.
    """

    def __init__(self, storage: Storage, log: RunLog) -> None:
        self.storage = storage
        self.log = log
        self.opened: set[Output] = set()


class Output:
    """The output of one state, as text with secrets masked; bytes that are not UTF-8 are shown as U+FFFD.

    In a ``with`` block it gets what is written in the context of the block, and is finished at its end.

    :ivar status: how the state ended, for the log; when empty, the way in which the block is left says it.
    """

    __slots__ = (
        "__weakref__",
        "_began",
        "_file",
        "_is_exposed",
        "_lock",
        "_part",
        "_run",
        "_running",
        "is_finished",
        "name",
        "status",
    )

    def __init__(self, name: str, run: Run) -> None:
        self.name = name
        self.status = ""
        self.is_finished = False
        self._run = run
        self._began = time.time()
        self._lock = threading.Lock()
        self._file: OwnFile | None = None
        self._part: Part | None = None
        self._is_exposed = False

    def __enter__(self) -> Self:
        here = current.get()
        self._running = Running(here.children if here else None, self)
        self._running.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, trace)

    def write(self, data: bytes) -> bool:
        """Append `data`; returns False where it is not kept: the state ended, or nothing can be written."""
        with self._lock:
            file = self._opened() if data else None
            if file is None:
                return not data
            try:
                while data:
                    data = data[os.write(file.descriptor, data) :]
            except OSError:
                return self._move(file, data)
            return True

    def expose(self) -> int | None:
        """Return the descriptor of the file, good until the run ends; None where nothing is kept."""
        with self._lock:
            self._is_exposed = True
            file = self._opened()
            return file.descriptor if file else None

    @contextmanager
    def lent(self) -> Iterator[int | None]:
        """Give a descriptor of the file to a process that is started; None where nothing is kept."""
        with self._lock:
            file = self._opened()
            descriptor = os.dup(file.descriptor) if file else None
        try:
            yield descriptor
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def finish(self, status: str) -> None:
        """Append what was written to the log of the run; what is written later is not kept.

        :param status: how the state ended, where that was not noted.
        """
        with self._lock:
            if self.is_finished:
                return
            self.is_finished = True
            self.status = self.status or status
        file = self._file
        if file is not None:
            part = self._logged(file)
            with self._lock:
                self._part = part
                if part and not self._is_exposed:
                    self._close(file)

    def release(self) -> None:
        """Close the file, unless nothing else keeps what is in it."""
        with self._lock:
            if self._file and self._part:
                self._close(self._file)

    def text(self) -> str:
        """Return everything. It comes into memory at once."""
        with self._reading() as (descriptor, start, end):
            return _decoded(blocks(descriptor, start, end))

    def tail(self, lines: int = 20) -> str:
        """Return the last lines, at most 1 MiB, without control characters."""
        found: list[str] = []
        for ending, is_whole in self._endings():
            found = [line.rstrip("\r").rpartition("\r")[2] for line in ending.rstrip("\r\n").split("\n")]
            if len(found) > lines or is_whole:
                break
        return "\n".join(map(plain, found[-lines:]))

    def last_line(self) -> str:
        """Return the last line that is not blank, without control characters; cheap, for a live display."""
        for ending, _ in self._endings():
            above = ending.replace("\r", "\n").rstrip()
            while above:
                above, _, line = above.rpartition("\n")
                if shown := plain(line).replace("\t", " ").strip():
                    return shown
        return ""

    def _endings(self) -> Iterator[tuple[str, bool]]:
        """Yield longer and longer endings, from the beginning of a line or word, and whether that is all."""
        with self._reading() as (descriptor, start, end):
            for size in ENDINGS:
                is_whole = end - start <= size
                data = b"".join(blocks(descriptor, max(start, end - size), end))
                yield _decoded([data if is_whole else _from_a_beginning(data)]), is_whole
                if is_whole:
                    return

    @contextmanager
    def _reading(self) -> Iterator[tuple[int, int, int]]:
        """Give a descriptor, and from where to where this output stands in its file."""
        with self._lock:
            file, part = self._file, self._part
            descriptor = os.dup(file.descriptor) if file else None
        if descriptor is None and part is not None:
            with suppress(OSError):  # the log was removed
                descriptor = os.open(part.path, os.O_RDONLY)
        if descriptor is None:
            yield -1, 0, 0
            return
        try:
            size = os.fstat(descriptor).st_size
            start, end = (part.start, part.end) if part and not file else (0, size)
            yield descriptor, start, min(end, size)
        finally:
            os.close(descriptor)

    def _opened(self) -> OwnFile | None:
        """Return the file that takes what is written now, None where it is not kept; the lock is held."""
        if self.is_finished:
            return None
        if self._file is None:
            self._file = self._run.storage.attempt(OwnFile)
            if self._file is not None:
                self._run.opened.add(self)
        return self._file

    def _move(self, file: OwnFile, data: bytes) -> bool:
        """Go on in another folder, where there is one, because `data` did not fit any more."""
        moved = self._run.storage.attempt(lambda folder: file.copied_to(folder, data))
        if moved is not None:
            file.close()
            self._file = moved
        return moved is not None

    def _close(self, file: OwnFile) -> None:
        file.close()
        self._file = None
        self._run.opened.discard(self)

    def _logged(self, file: OwnFile) -> Part | None:
        """Append the file to the log of the run; None where nothing can be written."""
        size = file.size()
        if not size:
            return Part(Path(os.devnull), 0, 0)
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self._began))
        header = f"=== {self.name} · {began} · {self.status} after {time.time() - self._began:.1f} s ==="
        return self._run.log.append(header, file.descriptor, size)


def _decoded(parts: Iterable[bytes]) -> str:
    return b"".join(masked(parts)).decode("utf-8", "replace")


def _from_a_beginning(data: bytes) -> bytes:
    """Return data without the line, else the word, of which it may hold only the end."""
    start = re.match(rb"[^\r\n]*[\r\n]+(?=[^\r\n])|\S*", data)
    return data[start.end() :] if start else data
