"""The benchmark of nodes, part by part."""

from __future__ import annotations

import math
import os
import platform
import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.benchmarks.measuring import BenchmarkError, taken_in_turns
from tests.benchmarks.nodes import backlog, processes, seeding, waiting
from tests.benchmarks.nodes.processes import Done
from tests.benchmarks.report import Report
from tests.benchmarks.settings import Settings
from tests.support.postgres import PostgresServer

BATCH = 200  # node states in a claim, and as many executed at the same time
SINGLE = 200
STATES = 10_000
FEW = 4_000
FEWEST = 400
BACKLOG = 1_000_000
DURABLE = {"listen_addresses": "", "max_connections": "200"}  # all else as PostgreSQL comes, fsync too

Part = tuple[str, int, Callable[[int], list[Figure]]]


def measured(settings: Settings, folder: Path) -> Report:
    """Measure nodes; everything is made in `folder`.

    :raises BenchmarkError: when something to be measured does not work.
    """
    figures: list[Figure] = []
    with PostgresServer(DURABLE) as server:
        for name, rounds, part in parts(folder, server, settings):
            settings.say(f"{name}, {rounds} rounds")
            figures += part(rounds)
    return Report("nodes", conditions(), settings.rounds, tuple(figures))


def parts(folder: Path, server: PostgresServer, settings: Settings) -> Iterator[Part]:
    """Yield what is measured: its name, in how many rounds, and how."""
    states = min(settings.states, STATES)
    few, fewest = (math.ceil(settings.rounds / each) for each in (10, 13))
    yield "node states on SQLite", few, partial(on_sqlite, folder, states)
    yield "node states on PostgreSQL", fewest, partial(on_postgresql, server, states)
    for chain, target in ((1, 10.0), (3, 30.0)):
        part = partial(waiting.latency, chain=chain, target=target)
        yield f"trigger to done, {chain}", settings.rounds * 2, partial(in_folder, folder, part)
    yield "idle", fewest, partial(in_folder, folder, waiting.idle)
    size = BACKLOG if settings.states >= STATES else settings.states * 10
    yield "backlog", few, partial(in_folder, folder, partial(backlog.slowed, states=size))


def in_folder(folder: Path, part: Callable[..., list[Figure]], rounds: int) -> list[Figure]:
    """Measure in a folder that is removed then."""
    with fresh(folder) as here:
        return part(here, rounds=rounds)


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    here = folder / "part"
    here.mkdir()
    try:
        yield here
    finally:
        shutil.rmtree(here)


def on_sqlite(folder: Path, states: int, rounds: int) -> list[Figure]:
    """Measure throughput on SQLite, against a loop on the same tables and against huey."""

    def work(number: int, program: Callable[[str], Done]) -> Done:
        with fresh(folder) as here:
            return on_database(str(here / "manager.db"), number, program)

    def by_huey() -> Done:
        with fresh(folder) as here:
            return processes.alone("by_huey.py", here / "huey.db", FEWEST)

    few = min(states, FEW)
    measurements: dict[str, Callable[[], Done]] = {
        "batches": lambda: work(states, partial(with_managers, "worker.py", states, BATCH, 1)),
        "one by one": lambda: work(few, partial(with_managers, "single.py", few, SINGLE, 1)),
        "loop": lambda: work(states, partial(alone, "by_sqlite.py")),
        "huey": by_huey,
    }
    done = taken_in_turns(measurements, rounds, warm_ups=0)
    return [
        rate("SQLite, batches of our worker", 5_000, done["batches"]),
        rate("SQLite, one call for each outcome", 1_500, done["one by one"]),
        rate("SQLite, a loop alone", None, done["loop"]),
        rate("SQLite, huey", None, done["huey"]),
        compared("batches / SQLite, a loop alone", 0.2, done["batches"], done["loop"]),
        *memory(done["batches"]),
    ]


def on_postgresql(server: PostgresServer, states: int, rounds: int) -> list[Figure]:
    """Measure throughput on PostgreSQL, against a loop on the same tables and against pgqueuer."""

    def work(program: Callable[[str], Done]) -> Done:
        with server.schema() as address:
            return on_database(address, states, program)

    def by_pgqueuer() -> Done:
        with server.schema() as address:
            return processes.alone("by_pgqueuer.py", address, FEWEST, BATCH)

    measurements: dict[str, Callable[[], Done]] = {
        "managers": lambda: work(partial(with_managers, "worker.py", states, BATCH, 2)),
        "loop": lambda: work(partial(alone, "by_postgres.py")),
        "pgqueuer": by_pgqueuer,
    }
    done = taken_in_turns(measurements, rounds, warm_ups=0)
    return [
        rate("PostgreSQL, two managers", 3_000, done["managers"]),
        rate("PostgreSQL, a loop alone", None, done["loop"]),
        rate("PostgreSQL, pgqueuer", None, done["pgqueuer"]),
        compared("two managers / PostgreSQL, a loop alone", None, done["managers"], done["loop"]),
    ]


def with_managers(program: str, states: int, batch: int, number: int, address: str) -> Done:
    """Run a program that works for so many managers on a database."""
    return processes.with_managers(program, address, states, batch, number)


def alone(program: str, address: str) -> Done:
    """Run a program that works on a database by itself."""
    return processes.alone(program, address, BATCH)


def on_database(address: str, states: int, program: Callable[[str], Done]) -> Done:
    """Run a program on a database with so many node states to come.

    :raises BenchmarkError: when it did not do all of them.
    """
    seeding.prepare(address)
    seeding.add_runs(address, states // 2)
    done = program(address)
    if done.states != states:
        raise BenchmarkError(f"{done.states} node states of {states} were executed")
    return done


def rate(name: str, target: float | None, done: list[Done]) -> Figure:
    """The node states in a second; behind it what each took of clients and managers, in microseconds."""
    each = {
        "client, us": statistics.median(one.cpu / one.states * 1e6 for one in done),
        "managers, us": statistics.median(one.managers_cpu / one.states * 1e6 for one in done),
    }
    medians = {name: value for name, value in each.items() if value > 0}
    return Figure(name, "states/s", target, tuple(one.rate for one in done), None, medians, at_least=True)


def compared(name: str, target: float | None, over: list[Done], under: list[Done]) -> Figure:
    """The rate of one as a multiple of that of the other, taken in each round."""
    samples = tuple(a.rate / b.rate for a, b in zip(over, under, strict=True))
    return Figure(name, "x", target, samples, at_least=True)


def memory(done: list[Done]) -> list[Figure]:
    """The most memory that manager and worker held."""
    return [
        Figure("memory of the manager", "MiB", None, tuple(one.managers_peak / 1024 for one in done)),
        Figure("memory of the worker", "MiB", None, tuple(one.peak / 1024 for one in done)),
    ]


def conditions() -> dict[str, str]:
    own = f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores"
    return {"on": own, "batch": str(BATCH), **{name: version(name) for name in ("huey", "pgqueuer")}}
