"""What it costs to run a command, measured in turns so that a busy machine troubles all alike."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from groundup.errors import GroundupError

T = TypeVar("T")

WARM_UPS = 2  # rounds that are run and not counted

# A process starts with the peak of what forked it. A shell is small; it leaves the process behind, alone.
# The orphan starts when the shell is gone, which could otherwise collect it first.
ORPHAN = 'exec 3<&0; { read -r _ <&3; exec "$@" 3<&-; } >/dev/null & echo $!'
PR_SET_CHILD_SUBREAPER = 36


class BenchmarkError(GroundupError):
    """A measured command failed, or what was to be measured is not there."""


@dataclass(frozen=True)
class Command:
    """A command to measure. `prepare` is called before each run and is not measured."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    prepare: Callable[[], None] | None = None


@dataclass(frozen=True)
class Cost:
    """What one run took, in seconds; `cpu` is that of the process and its children together."""

    wall: float
    cpu: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu)


def measure(command: Command) -> Cost:
    """Run a command once, in the current folder.

    :raises BenchmarkError: when it does not exit with 0; with what it said.
    """
    if command.prepare:
        command.prepare()
    with tempfile.TemporaryFile() as said, Path(os.devnull).open("rb") as nothing:
        files = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), 0)]
        files += [(os.POSIX_SPAWN_DUP2, said.fileno(), number) for number in (1, 2)]
        began = time.perf_counter()
        pid = os.posix_spawn(command.argv[0], command.argv, command.env, file_actions=files)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - began
        if status:
            said.seek(0)
            raise failure(command, os.waitstatus_to_exitcode(status), said.read().decode(errors="replace"))
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def failure(command: Command, code: int, said: str) -> BenchmarkError:
    return BenchmarkError(
        f"a measured command exited with {code}: {' '.join(command.argv)}\n{said.rstrip()}",
        hint="correct that first: a failing command cannot be measured",
    )


def in_turns(commands: Mapping[str, Command], rounds: int) -> dict[str, list[Cost]]:
    """Measure commands one after the other, round by round, every second round in reverse order.

    Returns the costs of each, `rounds` long; those of one round belong together.
    """
    return taken_in_turns({name: partial(measure, each) for name, each in commands.items()}, rounds)


def taken_in_turns(
    measurements: Mapping[str, Callable[[], T]], rounds: int, warm_ups: int = WARM_UPS
) -> dict[str, list[T]]:
    """Take measurements one after the other, round by round, every second round in reverse order.

    Returns what each gave, `rounds` long; what was given in one round belongs together.
    """
    found: dict[str, list[T]] = {name: [] for name in measurements}
    for number in range(-warm_ups, rounds):
        for name in list(measurements)[:: 1 if number % 2 else -1]:
            given = measurements[name]()
            if number >= 0:
                found[name].append(given)
    return found


@contextmanager
def timed() -> Iterator[Callable[[], Cost]]:
    """Time the ``with`` block in this process, all threads; the function that it gives returns the cost."""
    cost = Cost(0, 0)
    gc.collect()
    began = clock()
    yield lambda: cost
    cost = clock() - began


def walled(work: Callable[[], object]) -> Cost:
    """Time `work` by the clock; processor time is spent by processes that are not ours.

    Nothing is done before it that is not done before a command: a collection would empty the caches.
    """
    began = time.perf_counter()
    work()
    return Cost(time.perf_counter() - began, 0)


def clock() -> Cost:
    """Return a reading of both clocks; the difference of two is a cost."""
    return Cost(time.perf_counter(), time.process_time())


def peak_memory(command: Command) -> int:
    """Run a command once; return the most memory that its process held, in KiB. Linux only.

    What the process was before an exec counts as well.

    :raises BenchmarkError: when it does not exit with 0; with what it said.
    """
    with tempfile.TemporaryFile() as said, adopting():
        argv = ["/bin/sh", "-c", ORPHAN, "sh", *command.argv]
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, env=command.env, stdin=pipe, stdout=pipe, stderr=said) as shell:
            assert shell.stdin and shell.stdout
            pid = shell.stdout.read()
            shell.wait()
            shell.stdin.close()
        _, status, usage = os.wait4(int(pid), 0)
        if status:
            said.seek(0)
            raise failure(command, os.waitstatus_to_exitcode(status), said.read().decode(errors="replace"))
    return usage.ru_maxrss


@contextmanager
def adopting() -> Iterator[None]:
    """Make this process the parent of those that its children leave behind."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
