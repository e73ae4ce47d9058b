"""Named folders that appear, are replaced and disappear as a whole.

::

    <root>/<name>                 complete, always
    <root>/.building/<name>/…     under construction; left over when nobody holds the lock
    <root>/.replaced/<name>       the previous one, for the moment between two renames
    <root>/.locks/<name>          held by who changes <name>
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    def locked(self, name: str) -> Iterator[None]:
        """Be the only one who changes `name`; waits for another process that does."""
        from filelock import FileLock

        locks = self.root / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with FileLock(locks / name):
            self._recover(name)
            yield

    @contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        """Give an empty folder that becomes `name` when the block ends well; needs the lock.

        Whatever the block raises, an existing folder `name` stays as it is.
        """
        self._sweep(name)
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
        import shutil

        shutil.rmtree(self.root / ".building" / name, ignore_errors=True)

    def _replaced(self, name: str) -> Path:
        return self.root / ".replaced" / name


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
