"""Who a container belongs to: said by its labels, so that whoever finds it can tell whether he lives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LABEL = "groundup"
_PREFIX = f"{LABEL}."


@dataclass(frozen=True)
class Owner:
    """A process, so that no other one is ever taken for it.

    :param pid: its id in its own namespace.
    :param started: when it started, in ticks since the boot.
    :param boot: id of that boot.
    :param namespace: the namespace of its id.
    :param machine: id of the machine.
    """

    pid: str
    started: str
    boot: str
    namespace: str
    machine: str

    @classmethod
    def here(cls) -> Self:
        """Return this process as an owner."""
        pid = os.getpid()
        return cls(str(pid), _started(pid) or "", _boot(), _namespace(), _machine())

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Self:
        """Return the owner that labels tell."""
        return cls(*(labels.get(_PREFIX + name, "") for name in cls.__dataclass_fields__))

    def labels(self) -> dict[str, str]:
        """Return the labels that tell the owner."""
        return {LABEL: "1", **{_PREFIX + name: value for name, value in vars(self).items()}}

    def is_dead(self) -> bool:
        """Return whether the process is known to have ended: one that cannot be seen from here is not."""
        if self.machine != _machine():
            return False
        if self.boot != _boot():
            return True
        if self.namespace != _namespace() or not self.pid.isdigit():
            return False
        return _started(int(self.pid)) != self.started


def _started(pid: int) -> str | None:
    """Return the start time of a process; None when there is none of this id, or it waits to be reaped."""
    try:
        state, *others = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else others[18]


def _boot() -> str:
    return _line("/proc/sys/kernel/random/boot_id")


def _machine() -> str:
    return _line("/etc/machine-id") or os.uname().nodename


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
