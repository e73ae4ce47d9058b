"""What install and supply made, kept by fingerprint for all who need the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from groundup.execution.languages.errors import Phase
from groundup.projects.home import cache_folder
from groundup.projects.store import Store


class Kept(NamedTuple):
    """What a phase made: `content` is complete and never changed; `log` is what was written meanwhile.

    :ivar is_new: whether it was made now.
    :ivar identity: tells it from another that is made in its place.
    """

    content: Path
    log: Path
    is_new: bool
    identity: int


def shelves() -> list[Store]:
    """Return the stores of what install and supply made."""
    return [Shelf("install").store, Shelf("supply").store]


class Shelf:
    """The results of one phase, in the user's cache."""

    def __init__(self, phase: Phase) -> None:
        self.store = Store(cache_folder() / "languages" / phase)

    def take(
        self,
        key: str,
        make: Callable[[Path], Path],
        held: ExitStack,
        *,
        broken: Kept | None = None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Kept:
        """Return what is kept under `key`; when nothing is, or only what is broken, it is made.

        It is made aside and renamed, by one process at a time; what `make` raises leaves nothing behind.

        :param make: fills a folder, and returns the log of that.
        :param held: until it is closed, what is returned is not removed as unused.
        :param on_wait: called before another process is waited for, which makes the same.
        """
        is_new = False
        while True:
            if self._is_missing(key, broken):
                is_new = self._make(key, make, broken, on_wait)
            folder = held.enter_context(self.store.using(key))
            if folder is not None:  # else it was removed in between
                return Kept(folder / "content", folder / "log", is_new, identity(folder / "content"))

    def _make(
        self, key: str, make: Callable[[Path], Path], broken: Kept | None, on_wait: Callable[[], None]
    ) -> bool:
        """Return whether it was made here; another process may have done it meanwhile."""
        with self.store.locked(key, on_wait=on_wait):
            if not self._is_missing(key, broken):
                return False
            with self.store.staged(key) as folder:
                (folder / "content").mkdir()
                shutil.copyfile(make(folder / "content"), folder / "log")
        return True

    def _is_missing(self, key: str, broken: Kept | None) -> bool:
        folder = self.store.find(key)
        return folder is None or (broken is not None and identity(folder / "content") == broken.identity)


def identity(folder: Path) -> int:
    """Return what tells a folder from another that is made in its place."""
    return folder.stat().st_ino
