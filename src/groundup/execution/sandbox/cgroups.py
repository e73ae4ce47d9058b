"""A limit for all processes of a run together: a cgroup of their own, where the caller may make one."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from groundup.execution.sandbox.errors import SandboxError

_NAME = "groundup-"
_PATIENCE = 2.0  # seconds that the kernel has to let go of a group whose processes have ended


class Delegated(NamedTuple):
    """A cgroup in which groups can be made.

    :ivar settings: files of a new group and what is written there, with ``{memory}`` for bytes; those that
        the kernel does not have are left out, the first excepted.
    """

    folder: Path
    settings: Mapping[str, str]


_UNIFIED = {"memory.max": "{memory}", "memory.swap.max": "0", "memory.oom.group": "1"}
_LEGACY = {"memory.limit_in_bytes": "{memory}", "memory.memsw.limit_in_bytes": "{memory}"}


@contextmanager
def group_of(total_memory: int | None) -> Iterator[list[Path]]:
    """Give the files in which a process writes its id to belong to a new group; none without a limit.

    :raises SandboxError: there is a limit, and no group can be made.
    """
    if total_memory is None:
        yield []
        return
    delegated = find_delegated()
    if delegated is None:
        raise SandboxError(
            "cgroup",
            "total_memory needs a cgroup, and the caller cannot make one with a memory limit",
            hint="call it under `systemd-run --user --scope`, or as root; or leave total_memory out",
        )
    _sweep(delegated.folder)
    folder = delegated.folder / f"{_NAME}{os.getpid()}-{os.urandom(8).hex()}"
    folder.mkdir()
    try:
        _limit(folder, delegated.settings, total_memory)
        yield [folder / "cgroup.procs"]
    finally:
        _remove(folder)


def find_delegated() -> Delegated | None:
    """Return where this process may make groups that limit memory: beside its own group, or in it."""
    mounts, own = _mounts(), _own_groups()
    if "" in mounts and "" in own:
        place = mounts[""] / own[""].lstrip("/")
        folder = place if place == mounts[""] else place.parent
        if "memory" in _words(folder / "cgroup.subtree_control") and _is_ours(folder):
            return Delegated(folder, _UNIFIED)
    if "memory" in mounts and "memory" in own:
        folder = mounts["memory"] / own["memory"].lstrip("/")
        if _is_ours(folder):
            return Delegated(folder, _LEGACY)
    return None


def _mounts() -> dict[str, Path]:
    """Return where cgroups are mounted, by controller; the unified ones under an empty name."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            names = options.split(",") if kind == "cgroup" else [""]
            found |= {name: Path(before.split()[4]) for name in names}
    return found


def _own_groups() -> dict[str, str]:
    """Return the groups of this process, by controller; the unified one under an empty name."""
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    triples = [line.split(":", 2) for line in lines]
    return {name: path for _, names, path in triples for name in names.split(",")}


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except OSError:
        return []


def _is_ours(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)


def _limit(folder: Path, settings: Mapping[str, str], memory: int) -> None:
    for place, (name, value) in enumerate(settings.items()):
        if place == 0 or (folder / name).exists():
            (folder / name).write_text(value.format(memory=memory), encoding="ascii")


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:  # its last process is not gone yet
            time.sleep(0.005)
        else:
            return


def _sweep(folder: Path) -> None:
    """Remove the groups of callers that were killed."""
    for left in folder.glob(f"{_NAME}*-*"):
        caller = left.name.removeprefix(_NAME).partition("-")[0]
        if not Path("/proc", caller).exists():
            with contextlib.suppress(OSError):  # it is in use, or gone
                left.rmdir()
