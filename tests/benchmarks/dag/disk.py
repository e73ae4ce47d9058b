"""What a state costs against tasks of other tools: in memory, and where fingerprints are kept on disk.

Every run is a new process, as it would be for a person; starting it and importing the tool is not counted.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.dag.sources import Shape
from tests.benchmarks.figures import Figure, per_state, ratio
from tests.benchmarks.measuring import BenchmarkError, Cost, taken_in_turns
from tests.support.process import clean_env, run

CHILD = Path(__file__).with_name("child.py")
UP_TO_DATE_TARGET = 60.0
JOBS = {"--jobs 1": 1, "default jobs": 0}
IN_MEMORY_TARGETS = {"doit": 3.0, "pytask": 100.0}
UP_TO_DATE_TARGETS = {"doit": None, "pytask": 100.0}  # doit keeps everything at the end, or nothing


class Run(NamedTuple):
    """What one run took: declaring the states or tasks, and all the rest."""

    declaring: Cost
    running: Cost


class Work(NamedTuple):
    """A folder with work for the tools, another with very little of it, and the home of who does it."""

    folder: Path
    other: Path
    shape: Shape
    home: Path

    def cold(self, tool: str, jobs: int) -> Run:
        """Return what a run took where nothing is known of earlier ones."""
        self.forget()
        return self.run(tool, jobs, "changed")

    def all_of(self, tool: str, expected: str) -> Run:
        """Return what a run took that does everything because nothing of it is kept."""
        self.forget()
        return self.run(tool, 0, expected)

    def warm(self, tool: str, jobs: int) -> Run:
        """Return what a run took where everything is up to date."""
        return self.run(tool, jobs, "skipped")

    def run(self, tool: str, jobs: int, expected: str) -> Run:
        """Run a tool in a new process.

        :raises BenchmarkError: not all states or tasks ended as `expected`.
        """
        argv = [sys.executable, "-I", str(CHILD), tool, str(self.folder), str(self.other), str(jobs)]
        done = run(argv, env=clean_env(self.home), cwd=self.folder)
        said = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {}
        if said.get("found") != {expected: self.shape.size}:
            raise BenchmarkError(
                f"{tool} did not do {self.shape} ({expected}): {said.get('found')} {done.stderr}",
                hint="correct that first: work that is not done cannot be measured",
            )
        return Run(Cost(**said["declaring"]), Cost(**said["running"]))

    def forget(self) -> None:
        """Remove what the tools keep: groundup and doit in ``store``, pytask where it likes."""
        for path in [*self.folder.glob("store*"), *self.folder.glob("*pytask*")]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def cold(work: Work, rounds: int) -> list[Figure]:
    """Measure states of which none was evaluated before."""
    return figures(work, "cold", None, taken_in_turns(by_jobs(work.cold), rounds, 0))


def up_to_date(work: Work, rounds: int) -> list[Figure]:
    """Measure states that are all up to date, since :func:`cold` was measured before."""
    return figures(work, "up to date", UP_TO_DATE_TARGET, taken_in_turns(by_jobs(work.warm), rounds, 0))


def by_jobs(run: Callable[[str, int], Run]) -> dict[str, Callable[[], Run]]:
    return {name: partial(run, "groundup", jobs) for name, jobs in JOBS.items()}


def figures(work: Work, how: str, target: float | None, runs: Mapping[str, list[Run]]) -> list[Figure]:
    return [
        per_state(
            f"on disk, {work.shape}, {how}, {name}",
            target,
            [each.running for each in found],
            work.shape.size,
        )
        for name, found in runs.items()
    ]


def against(work: Work, tool: str, rounds: int) -> list[Figure]:
    """Measure another tool and groundup in turns, each cold and then up to date."""
    found = taken_in_turns(
        {name: partial(cold_and_warm, work, name) for name in ("groundup", tool)}, rounds, 0
    )
    ratios = []
    for position, (how, target) in enumerate({"cold": None, "up to date": UP_TO_DATE_TARGETS[tool]}.items()):
        costs = {name: [both[position].running for both in runs] for name, runs in found.items()}
        title = f"{tool} / groundup, on disk, {work.shape}, {how}"
        ratios.append(ratio(title, target, costs, over=tool, under="groundup", at_least=True))
    return ratios


def against_in_memory(work: Work, tool: str, rounds: int) -> list[Figure]:
    """Measure another tool and groundup in turns, where no state and no task has files."""
    runs = {"groundup": partial(work.all_of, "groundup", "ok"), tool: partial(work.all_of, tool, "changed")}
    found = taken_in_turns(runs, rounds, 0)
    costs = {name: [each.running for each in all_runs] for name, all_runs in found.items()}
    title = f"{tool} / groundup, in memory, {work.shape}"
    return [ratio(title, IN_MEMORY_TARGETS[tool], costs, over=tool, under="groundup", at_least=True)]


def cold_and_warm(work: Work, tool: str) -> tuple[Run, Run]:
    """Return what a first run took, and one that finds everything done; jobs as each tool has them."""
    return work.cold(tool, 0), work.warm(tool, 0)
