"""What install and supply made, kept by fingerprint for all who need the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from groundup.projects.home import cache_folder
from groundup.projects.store import Store


class Kept(NamedTuple):
    """What a phase made: `content` is complete and never changed; `log` is what was written meanwhile."""

    content: Path
    log: Path
    is_new: bool

    @property
    def identity(self) -> int:
        """Tells this one from another that was made in its place."""
        return self.content.stat().st_ino


class Shelf:
    """The results of one phase, in the user's cache."""

    def __init__(self, phase: str) -> None:
        self.store = Store(cache_folder() / "languages" / phase)

    def get(self, key: str, make: Callable[[Path], Path], broken: Kept | None = None) -> Kept:
        """Return what is kept under `key`; when nothing is, or only what is broken, it is made.

        It is made aside and renamed, by one process at a time; what `make` raises leaves nothing behind.

        :param make: fills a folder, and returns the log of that.
        """
        found = self._find(key, broken)
        if found:
            return found
        with self.store.locked(key):
            made_meanwhile = self._find(key, broken)
            if made_meanwhile:
                return made_meanwhile
            with self.store.staged(key) as folder:
                (folder / "content").mkdir()
                shutil.copyfile(make(folder / "content"), folder / "log")
        return self._kept(self.store.root / key, is_new=True)

    def _find(self, key: str, broken: Kept | None) -> Kept | None:
        folder = self.store.find(key)
        if folder is None:
            return None
        found = self._kept(folder, is_new=False)
        is_broken = broken is not None and found.identity == broken.identity
        return None if is_broken else found

    @staticmethod
    def _kept(folder: Path, *, is_new: bool) -> Kept:
        return Kept(folder / "content", folder / "log", is_new)
