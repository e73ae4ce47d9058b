"""Which hooks are groundup's own: kept in git's folder, beside the hooks of all working trees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from groundup.config.files import write_whole

FILE = "groundup-hooks.json"
MOST = 50  # contents of one hook that are remembered


class Record:
    """What was put into the folders of hooks, and by whom.

    Contents are noted before they are put there and never after, so that a hook of groundup's own is always
    known as such, whenever a process is killed.

    :param common: git's folder.
    """

    def __init__(self, common: Path) -> None:
        self._common = common
        self._entries = _read(common / FILE)

    def has(self, path: Path, content: bytes, by: str | None = None) -> bool:
        """Return whether `content` of the hook at `path` is groundup's own, and put there in the way `by`."""
        entry = self._entries.get(self._key(path), {})
        return _digest(content) in entry.get("sha256", ()) and by in (None, entry.get("by"))

    def hooks_in(self, folder: Path) -> Iterator[Path]:
        """Yield the hooks in `folder` that were put there."""
        yield from (path for path in map(self._common.joinpath, self._entries) if path.parent == folder)

    def add(self, path: Path, content: bytes, by: str) -> None:
        """Note that `content` is put at `path` in the way `by`."""
        known = self._entries.get(self._key(path), {}).get("sha256", [])
        hashes = [*(each for each in known if each != _digest(content)), _digest(content)]
        self._entries[self._key(path)] = {"by": by, "sha256": hashes[-MOST:]}

    def forget(self, path: Path) -> None:
        """Note nothing of `path` any more."""
        del self._entries[self._key(path)]

    def write(self) -> None:
        """Keep what was noted.

        :raises GroundupError: it cannot be written.
        """
        if self._entries != _read(self._common / FILE):
            text = json.dumps(self._entries, indent=1, sort_keys=True)
            write_whole(self._common / FILE, f"{text}\n".encode())

    def _key(self, path: Path) -> str:
        return path.relative_to(self._common).as_posix() if path.is_relative_to(self._common) else str(path)


def _read(path: Path) -> dict[str, Any]:
    """Return the entries; none where there is no file, or one that is none of these."""
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        entries = json.loads(path.read_bytes()).items()
        return {name: {"by": str(entry["by"]), "sha256": list(entry["sha256"])} for name, entry in entries}
    return {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
