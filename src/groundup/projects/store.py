"""Named folders that appear, are replaced and disappear as a whole.

::

    <root>/<name>                 complete, always
    <root>/.building/<name>/…     under construction; left over when nobody holds the lock
    <root>/.replaced/<name>       the previous one, for the moment between two renames
    <root>/.locks/<name>          held by who changes <name>
    <root>/.used/<name>           held by who uses <name>; its time is that of the last use
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from groundup.errors import GroundupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from filelock import BaseFileLock


class BusyError(Exception):
    """Somebody else holds what was asked for."""


class Store:
    """Folders under `root`; names are plain file names that do not start with a dot.

    A process may be killed at any point: the folder `name` is then the old one or the new one, complete.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, name: str) -> Path | None:
        """Return the folder `name`, if there is one; heals what a killed process left half-way."""
        folder = self.root / name
        if folder.is_dir():
            return folder
        if self._replaced(name).is_dir():
            with self.locked(name):
                return folder if folder.is_dir() else None
        return None

    def names(self) -> list[str]:
        """Return the names of all folders, sorted."""
        found = {entry.name for entry in _entries(self.root) if not entry.name.startswith(".")}
        interrupted = {entry.name for entry in _entries(self.root / ".replaced")}
        return sorted(name for name in found | interrupted if self.find(name))

    @contextmanager
    def locked(
        self, name: str, *, wait: bool = True, on_wait: Callable[[], None] = lambda: None
    ) -> Iterator[None]:
        """Be the only one who changes `name`.

        :param wait: whether to wait for another process that does; otherwise BusyError is raised.
        :param on_wait: called before waiting.
        """
        locks = self.root / ".locks"
        with _writing(self.root):
            locks.mkdir(parents=True, exist_ok=True)
            lock = _acquired(locks / name, wait, on_wait)
        try:
            self._recover(name)
            yield
        finally:
            lock.release()

    @contextmanager
    def using(self, name: str) -> Iterator[Path | None]:
        """Give the folder `name`, if there is one, and keep it from being removed as unused."""
        with _Mark(self.root / ".used" / name) as mark:
            folder = self.find(name)
            if folder is not None:
                mark.note()
            yield folder

    def is_unused(self, name: str, seconds: float) -> bool:
        """Return whether nobody uses `name`, and nobody has done so for `seconds`."""
        with self._unused(name, seconds) as mark:
            return mark is not None

    def remove_unused(self, name: str, seconds: float) -> bool:
        """Remove `name` where :meth:`is_unused`; return whether it was removed."""
        with self._unused(name, seconds) as mark:
            if mark is None:
                return False
            with self.locked(name, wait=False):
                self.remove(name)
            mark.remove()
            return True

    @contextmanager
    def _unused(self, name: str, seconds: float) -> Iterator[_Mark | None]:
        """Give the mark of an unused folder, so that nobody uses it in the block; None of another one."""
        folder = self.root / name
        try:
            with _Mark(self.root / ".used" / name, alone=True) as mark:
                unused = folder.is_dir() and time.time() - mark.last_use(folder) >= seconds
                yield mark if unused else None
        except BusyError:
            yield None

    def abandoned(self) -> list[Path]:
        """Return what killed processes left under construction."""
        return [folder for folder in _entries(self.root / ".building") if self._is_abandoned(folder.name)]

    def sweep(self, name: str) -> None:
        """Remove what was left under construction of `name`, unless it is under construction now."""
        with suppress(BusyError), self.locked(name, wait=False):
            self._sweep(name)

    def _is_abandoned(self, name: str) -> bool:
        with suppress(BusyError), self.locked(name, wait=False):
            return True
        return False

    @contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        """Give an empty folder that becomes `name` when the block ends well; needs the lock.

        Whatever the block raises, an existing folder `name` stays as it is.
        """
        self._sweep(name)
        with _writing(self.root):
            folder = self._aside(name)
            folder.mkdir()
        try:
            yield folder
            self._replace(name, folder)
        finally:
            self._sweep(name)

    def remove(self, name: str) -> None:
        """Remove the folder `name`, at once for everyone who looks; needs the lock."""
        self._discard(self.root / name, name)

    def _replace(self, name: str, folder: Path) -> None:
        final, replaced = self.root / name, self._replaced(name)
        if final.exists():
            replaced.parent.mkdir(exist_ok=True)
            final.rename(replaced)
        folder.rename(final)
        if replaced.exists():
            self._discard(replaced, name)

    def _recover(self, name: str) -> None:
        """Finish or undo a replacement that was interrupted between its renames."""
        final, replaced = self.root / name, self._replaced(name)
        if not replaced.is_dir():
            return
        if final.exists():
            self._discard(replaced, name)
        else:
            replaced.rename(final)

    def _discard(self, folder: Path, name: str) -> None:
        """Delete a folder; renamed first, so that nobody meets it half deleted."""
        folder.rename(self._aside(name))
        self._sweep(name)

    def _aside(self, name: str) -> Path:
        """Return a new path beside the final one, on the same file system."""
        building = self.root / ".building" / name
        building.mkdir(parents=True, exist_ok=True)
        return building / os.urandom(8).hex()

    def _sweep(self, name: str) -> None:
        from groundup.config.trees import remove_tree

        remove_tree(self.root / ".building" / name)

    def _replaced(self, name: str) -> Path:
        return self.root / ".replaced" / name


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    """Make an error of the system one that says what cannot be written, and why."""
    try:
        yield
    except OSError as error:
        raise GroundupError(
            f"{root} cannot be written: {error.strerror or error}",
            hint="check its rights and its free space, or name another folder by GROUNDUP_HOME",
        ) from error


class _Mark:
    """A file that is locked by who uses something: by several together, or by one who wants to remove it."""

    def __init__(self, path: Path, *, alone: bool = False) -> None:
        self._path = path
        self._alone = alone
        self._file: int | None = None

    def __enter__(self) -> _Mark:
        with suppress(OSError):  # nobody can remove what is in a folder that cannot be written
            self._path.parent.mkdir(parents=True, exist_ok=True)
            while not self._take():
                pass
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)

    def note(self) -> None:
        """Make now the time of the last use."""
        if self._file is not None:
            os.utime(self._file)

    def last_use(self, folder: Path) -> float:
        """Return when `folder` was last used, or else made."""
        return max(path.stat().st_mtime for path in (self._path, folder) if path.exists())

    def remove(self) -> None:
        """Remove the file; whoever waits for it takes another one."""
        self._path.unlink(missing_ok=True)

    def _take(self) -> bool:
        """Lock the file; return False when it was removed meanwhile."""
        import fcntl

        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB if self._alone else fcntl.LOCK_SH)
            if os.path.samestat(os.fstat(self._file), os.stat(self._path)):  # noqa: PTH116
                return True
        except BlockingIOError:
            self.__exit__()
            raise BusyError from None
        except FileNotFoundError:
            pass
        self.__exit__()
        return False


def _acquired(path: Path, wait: bool, on_wait: Callable[[], None]) -> BaseFileLock:
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise BusyError from None
        on_wait()
        lock.acquire()
    return lock


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
