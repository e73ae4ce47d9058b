"""What nothing needs any more: environments that were not used for long, and what killed processes left."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from groundup.config.trees import walk_tree
from groundup.errors import UserError
from groundup.execution.environments import environment_store
from groundup.projects.environment import Environment
from groundup.projects.home import cache_folder
from groundup.projects.project import project_store
from groundup.projects.store import Store

DAY = 86400  # seconds
_JUST_MADE = 3600  # seconds in which the folder of a script may not be held yet
_SCRIPT = "groundup-script-"


@dataclass(frozen=True)
class Garbage:
    """Something that can go.

    :param kind: "environment": of scripts, not used for long or without its Python; "language": what one
        installed, or supplied for a step, not used for long; "cache": what an index answered long ago;
        "leftover": of a process that was killed; "container": of such a process.
    :param path: where it is; of a container its name.
    :param size: bytes that this frees; 0 for a container, whose size the engine alone knows.
    """

    kind: Literal["environment", "language", "cache", "leftover", "container"]
    path: Path
    size: int


def collect_garbage(*, unused_days: float = 30, dry_run: bool = False) -> list[Garbage]:
    """Remove what nothing needs; return what was removed.

    Projects stay: they are removed by :func:`~groundup.projects.remove_project` alone. So does what is being
    made or used now.

    :param unused_days: how long an environment or an answer was not used.
    :param dry_run: remove nothing, and return what would be removed.
    """
    from groundup.execution.container.packages import package_store
    from groundup.execution.languages.shelf import shelves

    seconds = unused_days * DAY
    stores = [project_store(), environment_store(), package_store(), *shelves()]
    return [
        *_environments(seconds, dry_run),
        *_unused("environment", package_store(), seconds, dry_run),
        *(one for shelf in shelves() for one in _unused("language", shelf, seconds, dry_run)),
        *_answers(seconds, dry_run),
        *(one for store in stores for one in _abandoned(store, dry_run)),
        *_scripts(dry_run),
        *_containers(dry_run),
    ]


@contextmanager
def script_folder() -> Iterator[Path]:
    """Give a temporary folder for a script that is in no file; it is garbage when this process is killed."""
    with tempfile.TemporaryDirectory(prefix=_SCRIPT) as name, _held(Path(name), fcntl.LOCK_SH):
        yield Path(name)


def _environments(seconds: float, dry_run: bool) -> Iterator[Garbage]:
    store = environment_store()
    for name in store.names():
        folder = store.root / name
        needed = seconds if Environment(folder).works() else 0
        found = Garbage("environment", folder, _size(folder))
        if store.is_unused(name, needed) if dry_run else store.remove_unused(name, needed):
            yield found


def _unused(
    kind: Literal["environment", "language"], store: Store, seconds: float, dry_run: bool
) -> Iterator[Garbage]:
    """Yield what a store has that nobody used: what was provisioned for containers, what languages made."""
    for name in store.names():
        found = Garbage(kind, store.root / name, _size(store.root / name))
        if store.is_unused(name, seconds) if dry_run else store.remove_unused(name, seconds):
            yield found


def _answers(seconds: float, dry_run: bool) -> Iterator[Garbage]:
    for room in ("inference", "evidence"):
        for file in sorted((cache_folder() / room).glob("*.json")):
            if time.time() - file.stat().st_mtime >= seconds:
                yield Garbage("cache", file, _size(file))
                if not dry_run:
                    file.unlink(missing_ok=True)


def _abandoned(store: Store, dry_run: bool) -> Iterator[Garbage]:
    for folder in store.abandoned():
        yield Garbage("leftover", folder, _size(folder))
        if not dry_run:
            store.sweep(folder.name)


def _scripts(dry_run: bool) -> Iterator[Garbage]:
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{_SCRIPT}*")):
        if _is_ours_and_old(folder):
            yield Garbage("leftover", folder, _size(folder))
            if not dry_run:
                shutil.rmtree(folder, ignore_errors=True)


def _containers(dry_run: bool) -> Iterator[Garbage]:
    """Yield the containers of dead processes, at the engines that this user can use."""
    from groundup.execution.container.engine import answering_engines
    from groundup.execution.container.errors import ContainerError
    from groundup.execution.container.reaper import reap_containers

    for url in answering_engines():
        with suppress(ContainerError, UserError):  # no right to use it, or no SDK
            for name in reap_containers(url, dry_run=dry_run):
                yield Garbage("container", Path(name), 0)


def _is_ours_and_old(folder: Path) -> bool:
    try:
        facts = folder.lstat()
        if facts.st_uid != os.getuid() or time.time() - facts.st_mtime < _JUST_MADE:
            return False
        with _held(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return True
    except OSError:  # it is in use, gone, or no folder
        return False


@contextmanager
def _held(folder: Path, how: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    """Return the bytes that go with `path`: what has another name elsewhere, as in the cache of uv, stays."""
    if not path.is_dir():
        return path.stat().st_size
    files = (os.stat(name, dir_fd=at, follow_symlinks=False) for at, name in walk_tree(path) if name != ".")
    return sum(facts.st_blocks * 512 for facts in files if facts.st_nlink == 1)
