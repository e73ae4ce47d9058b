"""Folders that somebody unknown filled: gone through and removed, however deep and whatever their rights.

One folder is open at a time, and none is named by its whole path: a run can nest them deeper than either can
be done. Links are not followed. Nobody else may change them meanwhile.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def walk_tree(folder: Path) -> Iterator[tuple[int, str]]:
    """Yield a folder and everything in it, as names in open folders; folders as ``.`` in themselves.

    Those that we may not open are left out.

    :raises OSError: the folder itself cannot be opened.
    """
    for descriptor, names, is_left in _tour(folder):
        if not is_left:
            yield from ((descriptor, name) for name in names)


def remove_tree(folder: Path) -> None:
    """Remove a folder with everything in it; a link, and what the system does not let us remove, stays."""
    if folder.is_symlink():
        return
    with suppress(OSError):
        folder.chmod(0o700)
        for descriptor, names, is_left in _tour(folder, insists=True):
            for name in names if is_left else names[1:]:
                with suppress(OSError):
                    (os.rmdir if is_left else os.unlink)(name, dir_fd=descriptor)
        folder.rmdir()


def _tour(folder: Path, *, insists: bool = False) -> Iterator[tuple[int, list[str], bool]]:
    """Yield each folder with ``.`` and the names of its files; when it was left, the one above with its name.

    :param insists: whether rights that are in the way are changed.
    """
    with closing(_Place(folder)) as place:
        files, left = place.listed()
        yield place.descriptor, [".", *files], False
        while left or place.above:
            if not left:
                name, left = place.leave()
                yield place.descriptor, [name], True
            elif place.enter(left.pop(), left, insists):
                files, left = place.listed()
                yield place.descriptor, [".", *files], False


class _Place:
    """The folder that is open, and what is left to do in those above it."""

    def __init__(self, folder: Path) -> None:
        self.descriptor = os.open(folder, _FOLDER)
        self.above: list[tuple[str, list[str], tuple[int, int]]] = []

    def listed(self) -> tuple[list[str], list[str]]:
        """Return the names of what is no folder, and of folders."""
        with os.scandir(self.descriptor) as found:
            kinds = {entry.name: entry.is_dir(follow_symlinks=False) for entry in found}
        return [name for name in kinds if not kinds[name]], [name for name in kinds if kinds[name]]

    def enter(self, name: str, left: list[str], insists: bool) -> bool:
        """Open a folder in this one, of which `left` is still to do; return whether that worked."""
        try:
            if insists:
                os.chmod(name, 0o700, dir_fd=self.descriptor)
            below = os.open(name, _FOLDER, dir_fd=self.descriptor)
        except OSError:
            return False
        self.above.append((name, left, self._identity()))
        self._go(below)
        return True

    def leave(self) -> tuple[str, list[str]]:
        """Go back up; return the name of what was left, and what is still to do."""
        name, left, identity = self.above.pop()
        self._go(os.open("..", _FOLDER, dir_fd=self.descriptor))
        if self._identity() != identity:
            raise OSError(errno.ESTALE, "a folder was moved while it was gone through", name)
        return name, left

    def close(self) -> None:
        os.close(self.descriptor)

    def _go(self, descriptor: int) -> None:
        os.close(self.descriptor)
        self.descriptor = descriptor

    def _identity(self) -> tuple[int, int]:
        facts = os.fstat(self.descriptor)
        return facts.st_dev, facts.st_ino
