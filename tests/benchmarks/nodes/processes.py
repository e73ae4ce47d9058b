"""Processes that are measured: managers, and what works for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import BenchmarkError
from tests.support.background import PATIENCE, Background, until
from tests.support.managers import API_KEY, ManagerProcess

HERE = Path(__file__).parent
LONGEST_SECONDS = 120


@dataclass(frozen=True)
class Done:
    """So many node states in so many seconds, and the processor time of client and managers for them."""

    states: int
    wall: float
    cpu: float
    managers_cpu: float = 0.0
    peak: int = 0
    managers_peak: int = 0

    @property
    def rate(self) -> float:
        return self.states / self.wall


def program(name: str, *arguments: object) -> list[str]:
    """The command of a program in this folder."""
    return [sys.executable, str(HERE / name), *map(str, arguments)]


def finished(command: Sequence[str]) -> dict[str, Any]:
    """Run a program; gives what its last line says.

    :raises BenchmarkError: when it fails or takes too long.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{Path(command[1]).name} took more than {LONGEST_SECONDS} s") from error
    if done.returncode:
        raise BenchmarkError(
            f"{Path(command[1]).name} failed: {done.stderr.strip()}", hint="correct that first"
        )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def alone(name: str, *arguments: object) -> Done:
    """Run a program that needs no manager."""
    return Done(**finished(program(name, *arguments)))


@contextmanager
def managers(address: str, number: int = 1) -> Iterator[list[ManagerProcess]]:
    """So many managers on one database."""
    with ExitStack() as stack:
        started = [stack.enter_context(ManagerProcess(address)) for _ in range(number)]
        for manager in started:
            _ = manager.uri  # waits until it answers
        yield started


def with_managers(name: str, address: str, states: int, batch: int, number: int = 1) -> Done:
    """Run a program that works for managers on `address`; they are started for it."""
    with managers(address, number) as started:
        before = sum(cpu(manager.pid) for manager in started)
        uris = [manager.uri for manager in started]
        said = finished(program(name, API_KEY, states, batch, *uris))
        spent = sum(cpu(manager.pid) for manager in started) - before
        return Done(**said, managers_cpu=spent, managers_peak=max(peak(each.pid) for each in started))


@contextmanager
def polling(uri: str, batch: int = 16) -> Iterator[Background]:
    """A worker that polls until the block is left."""
    with Background(program("worker.py", API_KEY, 0, batch, uri), env=os.environ, cwd=HERE) as worker:
        until(lambda: worker.ended() or "registered" in worker.stdout, "the worker is registered", PATIENCE)
        if worker.ended():
            raise BenchmarkError(f"the worker failed: {worker.stderr}", hint="correct that first")
        yield worker


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has spent, all its threads. Linux only."""
    return time.clock_gettime((~pid << 3) | 2)


def peak(pid: int) -> int:
    """The most memory that a process held, in KiB. Linux only."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
