"""The processes of this machine: who stems from whom, and whether an id still means the same process."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

MARK = "GROUNDUP_STATE_RUN"
"""Variable of the processes of a state, by which also those are found that lost all ties to it."""


class Process(NamedTuple):
    """One process.

    :ivar started: when, in units of its table; with the id it names a process for ever.
    :ivar alive: False for one that ended and was not yet waited for.
    """

    pid: int
    parent: int
    group: int
    session: int
    started: float
    alive: bool

    @property
    def identity(self) -> tuple[int, float]:
        """What no other process has in common with this one."""
        return self.pid, self.started


class Table(Protocol):
    """A source of facts about all processes.

    :ivar slack: two starts that differ by no more than this may be one.
    """

    slack: float

    def snapshot(self) -> dict[int, Process]:
        """Return the processes of this moment, by id."""

    def started(self, pid: int) -> float | None:
        """Return when a child of this process that was just started did so; None when it is gone."""

    def mark_of(self, pid: int) -> str:
        """Return what the variable :data:`MARK` of a process was when it was started; empty for none."""


class ProcTable:
    """Processes as Linux tells them in /proc; starts are in clock ticks since boot."""

    slack = 0.0

    def snapshot(self) -> dict[int, Process]:
        """Return the processes of this moment, by id."""
        found = (self._read(int(name)) for name in os.listdir("/proc") if name.isdecimal())  # noqa: PTH208
        return {process.pid: process for process in found if process}

    def started(self, pid: int) -> float | None:
        """Return when a process started; None when there is none of this id."""
        process = self._read(pid)
        return process.started if process else None

    def mark_of(self, pid: int) -> str:
        """Return what the variable :data:`MARK` of a process was when it was started; empty for none."""
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
                variables = file.read().split(b"\0")
        except OSError:  # it ended meanwhile, or is another user's
            return ""
        prefix = f"{MARK}=".encode()
        return next((each[len(prefix) :].decode() for each in variables if each.startswith(prefix)), "")

    def _read(self, pid: int) -> Process | None:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - read by the hundred
                fields = file.read().rpartition(b")")[2].split()
        except OSError:  # ended meanwhile
            return None
        alive = fields[0] not in b"ZXx"
        return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), float(fields[19]), alive)


class PsTable:
    """Processes as ``ps`` tells them; starts are in seconds since the epoch."""

    slack = 2.0

    def snapshot(self) -> dict[int, Process]:
        """Return the processes of this moment, by id."""
        import subprocess
        from contextvars import Context

        command = ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat=,lstart="]
        done = Context().run(  # not as a process of the state in which this is called
            subprocess.run,
            command,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return {process.pid: process for process in map(self._parse, done.stdout.splitlines())}

    def started(self, pid: int) -> float | None:  # noqa: ARG002 - asking for it would take another process
        """Return the current time, which is when a child started that is just there."""
        return time.time()

    def mark_of(self, pid: int) -> str:  # noqa: ARG002 - ps tells variables and arguments without a border
        """Return the empty text: it is not told."""
        return ""

    def _parse(self, line: str) -> Process:
        pid, parent, group, state, *start = line.split()
        seconds = time.mktime(time.strptime(" ".join(start), "%a %b %d %H:%M:%S %Y"))
        return Process(int(pid), int(parent), int(group), int(group), seconds, not state.startswith("Z"))


@cache
def table() -> Table | None:
    """Return the best source of facts about processes; None where there is none."""
    if os.name == "nt":
        return None
    with contextlib.suppress(OSError):
        # That of another namespace would give the same numbers to other processes, and so would its ps.
        return ProcTable() if Path("/proc/self").readlink() == Path(str(os.getpid())) else None
    return PsTable()


def family(
    known: Mapping[int, float], processes: Mapping[int, Process], slack: float = 0.0
) -> Iterator[Process]:
    """Yield the processes that stem from `known`, parents first.

    These are `known` themselves, their children, the members of their process groups and sessions, and so
    on. The groups and sessions of one that is gone count as well, until its id means another process.

    :param known: starts of processes by their id.
    :param processes: a snapshot.
    :param slack: that of the table.
    """
    related = _relations(processes)
    starts = {pid: start for pid, start in known.items() if _is_free_or_same(pid, start, processes, slack)}
    pending = list(starts)
    yield from (processes[pid] for pid in pending if pid in processes)
    for pid in pending:  # grows
        for process in related[pid]:
            if process.pid not in starts and process.started + slack >= starts[pid]:
                starts[process.pid] = process.started
                pending.append(process.pid)
                yield process


def _is_free_or_same(pid: int, start: float, processes: Mapping[int, Process], slack: float) -> bool:
    return pid not in processes or abs(processes[pid].started - start) <= slack


def _relations(processes: Mapping[int, Process]) -> Mapping[int, list[Process]]:
    related: defaultdict[int, list[Process]] = defaultdict(list)
    for process in processes.values():
        for pid in {process.parent, process.group, process.session} - {process.pid}:
            if process.pid != os.getpid():
                related[pid].append(process)
    return related


def send(process: Process, number: int) -> bool:
    """Send a signal to a process, unless it ended or its id means another one by now.

    Returns False when this user may not signal it.
    """
    try:
        with _held(process.pid) as descriptor:
            if _is_still(process):
                _signal(process.pid, number, descriptor)
    except ProcessLookupError:
        pass
    except PermissionError:
        return False
    return True


def _is_still(process: Process) -> bool:
    source = table()
    return source is None or source.slack > 0 or source.started(process.pid) == process.started


def _signal(pid: int, number: int, descriptor: int | None) -> None:
    if descriptor is not None and sys.platform == "linux":
        import signal

        signal.pidfd_send_signal(descriptor, number)
    else:
        os.kill(pid, number)


@contextlib.contextmanager
def _held(pid: int) -> Iterator[int | None]:
    """Hold on to the process of an id, where the system can, so that no signal reaches a later one.

    :raises ProcessLookupError: there is none.
    """
    descriptor = None
    if sys.platform == "linux":
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            raise
        except OSError:  # an old kernel, or too many open files
            pass
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)
