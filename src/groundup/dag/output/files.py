"""Files without a name, for what a state writes: nothing of them stays, however this process ends."""

from __future__ import annotations

import errno
import os
import weakref
from collections.abc import Iterator
from itertools import count
from pathlib import Path

BLOCK = 2**16  # bytes that are read at once
ROOM = 2**16  # bytes that a disk must have left


class OwnFile:
    """A new file in `folder` for reading and appending; it is gone once it is closed, or not used any more.

    :raises OSError: the folder cannot be written, or its disk is full.
    """

    __slots__ = ("__weakref__", "close", "descriptor")

    def __init__(self, folder: Path) -> None:
        self.descriptor = _open_nameless(folder)
        self.close = weakref.finalize(self, os.close, self.descriptor)

    def size(self) -> int:
        """Return the number of bytes in the file."""
        return os.fstat(self.descriptor).st_size

    def copied_to(self, folder: Path, data: bytes) -> OwnFile:
        """Return a copy of the file in another folder, with `data` appended.

        :raises OSError: it cannot be written there.
        """
        copy = OwnFile(folder)
        try:
            for block in blocks(self.descriptor, 0, self.size()):
                write_all(copy.descriptor, block)
            write_all(copy.descriptor, data)
        except OSError:
            copy.close()
            raise
        return copy


def write_all(descriptor: int, data: bytes) -> None:
    """Write `data` to a file that may take it in parts."""
    while len(data) > (written := os.write(descriptor, data)):
        data = data[written:]


def blocks(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a file from `start` to `end`; its position stays where it is."""
    while start < end and (block := _read_at(descriptor, min(BLOCK, end - start), start)):
        yield block
        start += len(block)


def _open_nameless(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".output-{os.getpid()}-{next(_numbers)}.tmp"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_TEMPORARY", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if os.name != "nt":
            path.unlink()
            _check_room(folder, descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_room(folder: Path, descriptor: int) -> None:
    """Refuse a disk that is full: that has to show here, not in the program that writes."""
    disk = os.fstatvfs(descriptor)
    if disk.f_blocks and disk.f_bavail * disk.f_frsize < ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _read_at(descriptor: int, size: int, position: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, position)
    os.lseek(descriptor, position, os.SEEK_SET)
    data = os.read(descriptor, size)
    os.lseek(descriptor, 0, os.SEEK_END)
    return data


_numbers = count()
