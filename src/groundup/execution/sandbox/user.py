"""Who runs what is in a sandbox: the caller, unless that is root, whom most limits do not bind."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from groundup.config.trees import walk_tree
from groundup.errors import UserError
from groundup.execution.sandbox.errors import SandboxError

DEFAULT_UID = 64200  # of nobody, on the systems that we know
_COVERS = ("/mnt", "/media", "/srv", "/opt", "/tmp")  # noqa: S108 - folders that bubblewrap can do without
_SYSTEM = ("/usr/bin", "/usr/lib", "/etc", "/boot", "/dev", "/proc", "/sys", "/run", "/var/lib")


def chosen_uid(uid: int | None) -> int | None:
    """Return the uid for a sandbox: None for the caller's own.

    :param uid: what was asked for.
    :raises UserError: it is not one that a sandbox can have.
    :raises SandboxError: the caller is root, and that uid cannot be had.
    """
    if uid is not None and (isinstance(uid, bool) or not isinstance(uid, int) or not 0 < uid < 2**32 - 1):
        raise UserError(f"uid={uid!r} is no uid for a sandbox", hint="a number above 0 that nobody else has")
    if os.geteuid() != 0:
        if uid not in (None, os.geteuid()):
            raise UserError(f"only root can run a sandbox as uid {uid}", hint="leave the uid out")
        return None
    wanted = DEFAULT_UID if uid is None else uid
    if not _is_mapped(wanted):
        raise no_uid(wanted, "this user namespace does not have it")
    return wanted


def no_uid(uid: int | None, words: str) -> SandboxError:
    """Return the error for a uid that cannot be had."""
    return SandboxError(
        "uid",
        f"a sandbox of root runs as another user, and cannot: uid {uid}: {words}",
        hint="give one that can be had: uid=…; or call it as an ordinary user",
    )


def cover(bubblewrap: str) -> str:
    """Return a folder that can be covered while bubblewrap starts."""
    program = Path(bubblewrap).resolve()
    found = (each for each in _COVERS if Path(each).is_dir() and not program.is_relative_to(each))
    return next(found, "/tmp")  # noqa: S108


@contextmanager
def given(folders: Sequence[Path], uid: int | None) -> Iterator[None]:
    """Let folders with all that is in them belong to `uid` in the block, then to whom they belonged before.

    What was made in the block belongs to the owner of its folder. Links are not followed. A folder that is
    given already is waited for.

    :raises UserError: a folder belongs to the system.
    """
    for folder in folders if uid is not None else ():
        _refuse_system(folder)
    with ExitStack() as stack:
        for folder in sorted(folders) if uid is not None else ():
            stack.enter_context(_given(folder, uid or 0))
        yield


def _refuse_system(folder: Path) -> None:
    """Raise UserError for what would not be the same afterwards: programs lose rights with their owner."""
    place = folder.resolve()
    if any(Path(each).is_relative_to(place) for each in _SYSTEM) or place.is_relative_to("/proc"):
        raise UserError(
            f"{folder} belongs to the system, and would belong to who runs this meanwhile",
            hint="give it a folder of its own",
        )


@contextmanager
def _given(folder: Path, uid: int) -> Iterator[None]:
    with _alone(folder):
        known = _owners(folder)
        try:
            _chown(folder, {}, (uid, uid))
            yield
        finally:
            _chown(folder, known, known[folder.stat().st_ino])


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _owners(folder: Path) -> dict[int, tuple[int, int]]:
    found = [os.stat(name, dir_fd=descriptor, follow_symlinks=False) for descriptor, name in _entries(folder)]
    return {facts.st_ino: (facts.st_uid, facts.st_gid) for facts in found}


def _chown(folder: Path, known: Mapping[int, tuple[int, int]], others: tuple[int, int]) -> None:
    for descriptor, name in _entries(folder):
        facts = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        uid, gid = known.get(facts.st_ino, others)
        os.chown(name, uid, gid, dir_fd=descriptor, follow_symlinks=False)


def _entries(folder: Path) -> Iterator[tuple[int, str]]:
    """Yield everything in a folder, and itself, as names in open folders; a file is all by itself."""
    if not folder.is_dir():
        descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield descriptor, folder.name
        finally:
            os.close(descriptor)
    else:
        yield from walk_tree(folder)


def _is_mapped(uid: int) -> bool:
    lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    ranges = [tuple(int(word) for word in line.split()) for line in lines]
    return any(first <= uid < first + count for first, _, count in ranges)
