"""What a process wrote: in memory, beyond a limit in a file that has no name."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from groundup.errors import GroundupError

MEMORY_LIMIT = 8 * 2**20  # bytes of one stream that are kept in memory
CHUNK = 2**20


class Captured:
    """The bytes of one stream, complete and in order, as they were written.

    Text is made of them by UTF-8 with ``surrogateescape``: bytes that are not UTF-8 survive, and
    ``text.encode("utf-8", "surrogateescape")`` gives them back.
    """

    def __init__(self, content: bytes = b"", *, memory_limit: int = MEMORY_LIMIT) -> None:
        self._limit = memory_limit
        self._memory = bytearray()
        self._size = 0
        self._file: int | None = None
        self.write(content)

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`; nothing refers to it afterwards."""
        self._size += len(data)
        if self._file is None and self._size > self._limit:
            self._move_to_disk()
        if self._file is None:
            self._memory += data
        else:
            with _keeping():
                _write_all(self._file, data)

    @property
    def on_disk(self) -> bool:
        """Whether the bytes are in a file."""
        return self._file is not None

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in pieces of at most 1 MiB; what is on disk does not come into memory at once."""
        for start in range(0, self._size, CHUNK):
            if self._file is None:
                yield bytes(self._memory[start : start + CHUNK])
            else:
                yield os.pread(self._file, CHUNK, start)

    def text(self) -> str:
        """Return everything as text."""
        return bytes(self).decode("utf-8", "surrogateescape")

    def __bytes__(self) -> bytes:
        return b"".join(self.chunks())

    def __len__(self) -> int:
        return self._size

    def __reduce__(self) -> tuple[type[Captured], tuple[bytes]]:
        return Captured, (bytes(self),)

    def _move_to_disk(self) -> None:
        import tempfile

        with _keeping():
            with tempfile.TemporaryFile(prefix="groundup-output-", dir=_spool_folder()) as file:
                self._file = os.dup(file.fileno())
            weakref.finalize(self, os.close, self._file)
            _write_all(self._file, self._memory)
        self._memory = bytearray()


def _spool_folder() -> str | None:
    """Return where large output goes: /tmp, the usual folder, may itself be in memory."""
    folder = "/var/tmp"  # noqa: S108 - the file gets no name
    return None if os.environ.get("TMPDIR") or not os.access(folder, os.W_OK) else folder


@contextmanager
def _keeping() -> Iterator[None]:
    """Make an error of the system one that says what cannot be kept, and why."""
    try:
        yield
    except OSError as error:
        folder = _spool_folder() or os.environ.get("TMPDIR") or "a temporary folder"
        raise GroundupError(
            f"large output cannot be kept in {folder}: {error.strerror or error}",
            hint="free some space there, name another folder by TMPDIR, or use capture_output=False",
        ) from error


def _write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
