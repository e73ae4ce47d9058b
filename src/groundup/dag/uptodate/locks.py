"""One lock for each state, held while it is evaluated: others wait for it, then find the work done."""

from __future__ import annotations

import errno
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from groundup.dag.uptodate.text import digest

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_SECONDS = 0.02
# Linux locks ranges of one file, which costs a fiftieth of making a file for each lock. The ranges lie behind
# what is written in the file: for each lock a slot with the process that holds it.
HAS_RANGES = sys.platform == "linux" and sys.maxsize > 2**32
_FLOCK = "hhqqi4x"
_SLOTS, _SLOT = 4096, 64
_RANGES_BEGIN = 1 << 30


@contextmanager
def locked(folder: Path, name: str, on_wait: Callable[[str], None]) -> Iterator[bool]:
    """Hold the lock of the state `name`, between threads and processes; give whether it was waited for.

    Where no file can be made in `folder`, there is no lock.

    :param on_wait: is told, once, for which process this one has to wait.
    """
    try:
        lock = _made(folder, name)
    except OSError:
        yield False
        return
    try:
        yield _waited(lock, on_wait)
    finally:
        lock.release()


def _made(folder: Path, name: str) -> RangeLock | FileLock:
    kind = RangeLock if HAS_RANGES else FileLock
    try:
        return kind(folder, name)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        return kind(folder, name)


def _waited(lock: RangeLock | FileLock, on_wait: Callable[[str], None]) -> bool:
    if lock.acquire():
        return False
    on_wait(f"waiting for {lock.holder()}, which evaluates it")
    while not lock.acquire():
        time.sleep(POLL_SECONDS)
    return True


class RangeLock:
    """A lock that is a range of one file; several objects of one name exclude each other.

    :raises OSError: the file cannot be made.
    """

    def __init__(self, folder: Path, name: str) -> None:
        number = int(digest(name)[:15], 16)
        self._range = _RANGES_BEGIN + number, 1
        self._slot = number % _SLOTS * _SLOT
        self._name = name.encode("utf-8", "surrogateescape")[: _SLOT - 16]
        self._file = os.open(f"{folder}/states.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def acquire(self) -> bool:
        """Return whether the lock is held now; also where the file system has none."""
        try:
            self._set("F_WRLCK")
        except OSError as error:
            return error.errno not in (errno.EACCES, errno.EAGAIN)
        with suppress(OSError):  # a full disk
            os.pwrite(self._file, b"%d %s\n" % (os.getpid(), self._name), self._slot)
        return True

    def release(self) -> None:
        """Give the lock back, if it is held."""
        with suppress(OSError):
            self._set("F_UNLCK")  # a process that was forked may still have the file
        os.close(self._file)

    def holder(self) -> str:
        """Return which process holds the lock."""
        pid, _, name = os.pread(self._file, _SLOT, self._slot).partition(b"\n")[0].partition(b" ")
        return f"process {pid.decode()}" if name == self._name else "another process"

    def _set(self, kind: str) -> None:
        import fcntl

        request = struct.pack(_FLOCK, getattr(fcntl, kind), os.SEEK_SET, *self._range, 0)
        fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, request)


class FileLock:
    """A lock that is a file of its own, for systems without :class:`RangeLock`.

    :raises OSError: the file cannot be made.
    """

    def __init__(self, folder: Path, name: str) -> None:
        import filelock

        self._path = folder / f"{quote(name, safe='')}.lock"
        self._path.touch()
        self._lock: BaseFileLock = filelock.FileLock(self._path, thread_local=False)

    def acquire(self) -> bool:
        """Return whether the lock is held now."""
        import filelock

        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            return False
        with suppress(OSError):
            self._path.write_text(str(os.getpid()))
        return True

    def release(self) -> None:
        """Give the lock back, if it is held."""
        self._lock.release()

    def holder(self) -> str:
        """Return which process holds the lock."""
        with suppress(OSError):
            pid = self._path.read_text()
            if pid.isdigit():
                return f"process {pid}"
        return "another process"
