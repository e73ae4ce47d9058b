"""What stands in a folder: to show that nothing was changed, or only what had to be."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

RACY = 2.0  # seconds within which a change and the stamp cannot be told apart


def facts(*roots: Path) -> dict[str, tuple[int, ...]]:
    """Return what would show any change of anything under `roots`: times, size, inode, mode."""
    return {
        str(path): (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_mode)
        for root in roots
        for path in walk(root)
        for stat in [path.lstat()]
    }


def walk(root: Path) -> Iterator[Path]:
    """Yield `root` and everything under it, without following links."""
    yield root
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            yield Path(folder, name)


def wait_until_settled(root: Path) -> None:
    """Wait until the last change under `root` lies so far back that a stamp made now can be relied on."""
    newest = max(stat.st_ctime for path in walk(root) for stat in [path.lstat()])
    time.sleep(max(0.0, newest + RACY + 0.2 - time.time()))
