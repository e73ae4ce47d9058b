"""Free space on disks."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from groundup.errors import GroundupError

MB = 1_000_000


def check_free(folders: Iterable[Path], megabytes: int) -> Iterator[str]:
    """Yield how much space is free, for each disk that `folders` are on.

    :param folders: they need not exist yet.
    :raises GroundupError: less than `megabytes` are.
    """
    seen = set()
    for folder in folders:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if there.stat().st_dev in seen:
            continue
        seen.add(there.stat().st_dev)
        free = shutil.disk_usage(there).free // MB
        if free < megabytes:
            raise GroundupError(
                f"{free} MB are free in {folder}, {megabytes} MB are needed",
                hint="free some space there, or set GROUNDUP_HOME and UV_CACHE_DIR to another disk",
            )
        yield f"{free / 1000:.1f} GB free in {folder}"
