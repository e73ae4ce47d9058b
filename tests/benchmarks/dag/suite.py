"""The benchmark of the state DAG, part by part."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.dag import boot, disk, memory
from tests.benchmarks.dag.sources import CHAIN, WIDE, Shape, write_work
from tests.benchmarks.figures import Figure
from tests.benchmarks.interpreter import Interpreter, without_hooks
from tests.benchmarks.report import Report
from tests.benchmarks.settings import Settings
from tests.support.trees import wait_until_settled

Part = tuple[str, int, Callable[[int], list[Figure]]]


def benchmark(settings: Settings, folder: Path) -> Report:
    """Measure the state DAG; everything is made in `folder`.

    :raises BenchmarkError: when something to be measured does not work.
    """
    settings.say("preparing files")
    works = list(works_in(folder, settings.states))
    python = without_hooks(settings.python, folder)
    figures: list[Figure] = []
    for name, rounds, part in parts(works, folder, python, settings.rounds):
        settings.say(f"{name}, {rounds} rounds")
        figures += part(rounds)
    return Report("dag", conditions(python), settings.rounds, tuple(figures))


def works_in(folder: Path, states: int) -> Iterator[disk.Work]:
    """Yield the work for each shape, its files old enough to be relied on."""
    shapes = [Shape(WIDE, max(states // 10, 2)), Shape(WIDE, states), Shape(CHAIN, states)]
    other = write_work(folder / "other", Shape(WIDE, 2))
    folders = [write_work(folder / f"{shape.name}-{shape.size}", shape) for shape in shapes]
    for made, shape in zip(folders, shapes, strict=True):
        wait_until_settled(made)
        yield disk.Work(made, other, shape, folder / "home")


def without_files(work: disk.Work, folder: Path) -> disk.Work:
    """Make the same work with states and tasks that read no files."""
    return work._replace(
        folder=write_work(folder / "free", work.shape, tracked=False),
        other=write_work(folder / "free-other", Shape(WIDE, 2), tracked=False),
    )


def parts(works: list[disk.Work], folder: Path, python: Interpreter, rounds: int) -> Iterator[Part]:
    """Yield what is measured: its name, in how many rounds, and how."""
    some, few, fewest = (math.ceil(rounds / each) for each in (5, 15, 25))
    small = works[0]
    for work in works:
        shape = work.shape
        yield f"in memory, {shape}", rounds, partial(memory.speed, shape, folder)
        yield f"memory, {shape}", 1, partial(memory.held, shape, folder)
        yield f"on disk, {shape}, cold", some if work is small else fewest, partial(disk.cold, work)
        yield (
            f"on disk, {shape}, up to date",
            rounds if work is small else some,
            partial(disk.up_to_date, work),
        )
    free = without_files(small, folder)
    for tool, often in {"doit": some, "pytask": few}.items():
        yield f"{tool}, in memory, {small.shape}", often, partial(disk.against_in_memory, free, tool)
        yield f"{tool}, on disk, {small.shape}", often, partial(disk.against, small, tool)
    yield "warm boot", rounds, partial(boot.warm_boot, folder, python)


def conditions(python: Interpreter) -> dict[str, str]:
    own = f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores"
    tools = {name: version(name) for name in ("networkx", "doit", "pytask")}
    return {"on": own, "boot on": f"{python.version} ({python.origin})", **tools}
