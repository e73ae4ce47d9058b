"""One lock for each state, held while it is evaluated: others wait for it, then find the work done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from filelock import BaseFileLock


@contextmanager
def locked(folder: Path, name: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of the state `name`; where no file can be made in `folder`, hold none.

    :param on_wait: is told, once, for which process this one has to wait.
    """
    lock = _acquired(folder / f"{quote(name, safe='')}.lock", on_wait)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _acquired(path: Path, on_wait: Callable[[str], None]) -> BaseFileLock | None:
    from filelock import FileLock, Timeout

    lock = FileLock(path, thread_local=False)  # it may be released by another thread
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait(f"waiting for {_holder(path)}, which evaluates it")
            lock.acquire()
    except OSError:
        return None
    with suppress(OSError):
        path.write_text(str(os.getpid()))
    return lock


def _holder(path: Path) -> str:
    with suppress(OSError):
        pid = path.read_text()
        if pid.isdigit():
            return f"process {pid}"
    return "another process"
