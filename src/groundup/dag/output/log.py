"""The log file of a run: what its states wrote, one after the other, secrets masked."""

from __future__ import annotations

import os
import re
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from groundup.dag.output.files import blocks, write_all
from groundup.dag.output.storage import Storage
from groundup.dag.output.text import masked

NAME = r"\d{8}-\d{6}-\d+(-\d+)?\.log"


class Part(NamedTuple):
    """The bytes of a log file from `start` to `end`."""

    path: Path
    start: int
    end: int


class RunLog:
    """One file ``<folder>/<YYYYmmdd-HHMMSS>-<pid>.log``, which is there from the first output on.

    :param keep: how many such files may be in the folder, this one among them; the oldest are removed.
    """

    def __init__(self, storage: Storage, keep: int) -> None:
        self.path: Path | None = None
        self._storage = storage
        self._keep = keep
        self._name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        self._lock = threading.Lock()

    def append(self, header: str, source: int, size: int) -> Part | None:
        """Append a line, and the first `size` bytes of the file `source`.

        Returns where these stand, None where nothing can be written.
        """
        with self._lock:
            return self._storage.attempt(lambda folder: self._append(folder, header, source, size))

    def _append(self, folder: Path, header: str, source: int, size: int) -> Part:
        folder.mkdir(parents=True, exist_ok=True)
        path = self.path
        if path is None or path.parent != folder:
            remove_oldest(folder, self._keep - 1)
            path = self._create(folder)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            part = self._write_or_undo(path, descriptor, header, source, size)
        finally:
            os.close(descriptor)
        self.path = path
        return part

    def _write_or_undo(self, path: Path, descriptor: int, header: str, source: int, size: int) -> Part:
        begin = os.fstat(descriptor).st_size
        try:
            return _write(path, descriptor, header, source, size)
        except OSError:
            os.ftruncate(descriptor, begin)
            if not begin:
                path.unlink(missing_ok=True)
            raise

    def _create(self, folder: Path) -> Path:
        for number in count(1):
            path = folder / f"{self._name}{'' if number == 1 else f'-{number}'}.log"
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                break
        return path


def remove_oldest(folder: Path, keep: int) -> None:
    """Remove the oldest log files of runs in `folder` until `keep` are left; other files stay."""
    logs = sorted(path for path in folder.iterdir() if re.fullmatch(NAME, path.name))
    for path in logs[: max(0, len(logs) - max(keep, 0))]:
        with suppress(OSError):
            path.unlink()


def _write(path: Path, descriptor: int, header: str, source: int, size: int) -> Part:
    write_all(descriptor, f"{header}\n".encode("utf-8", "replace"))
    start = os.fstat(descriptor).st_size
    last = b""
    for last in masked(blocks(source, 0, size)):
        write_all(descriptor, last)
    end = os.fstat(descriptor).st_size
    write_all(descriptor, b"\n" if last.endswith(b"\n") else b"\n\n")
    return Part(path, start, end)
