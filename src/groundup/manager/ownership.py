"""A SQLite database belongs to one process at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from groundup.config.files import write_whole
from groundup.manager.errors import DatabaseError, ManagerInUseError


def beside(database: Path, suffix: str) -> Path:
    """The file that belongs to ``database`` and ends with ``suffix``."""
    return database.with_name(f"{database.name}.{suffix}")


@contextlib.contextmanager
def owned(database: Path) -> Iterator[None]:
    """Own ``database`` meanwhile; its folder is made when it is missing.

    :raises ManagerInUseError: when another process owns it.
    :raises DatabaseError: when its folder cannot be used.
    """
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(beside(database, "lock"), timeout=0, thread_local=False)
        lock.acquire()
    except Timeout as error:
        raise ManagerInUseError(
            f"another process serves the state manager in {database}",
            hint="use that one by its URI and key, end it, or choose another database",
        ) from error
    except OSError as error:
        raise DatabaseError(f"the database {database} cannot be used: {error}") from error
    try:
        yield
    finally:
        lock.release()


def note_address(database: Path, uri: str) -> None:
    """Keep beside ``database``, which this process owns, where it is served: others of this machine join.

    A manager that listens on every address is noted on loopback.

    :raises GroundupError: when it cannot be written.
    """
    reached = uri.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    write_whole(beside(database, "address"), f"{reached}\n".encode())
