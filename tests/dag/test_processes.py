"""Runs that are killed, and runs that meet: no work is lost, none is done twice, none is taken for done."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.support.background import Background, until

# Each state writes its output in two halves, so that one that was cut short is not whole, and notes in a file
# when it begins and ends. Its parents are the state before, and the one three before.
PROGRAM = """
import os, sys, time
from pathlib import Path
from groundup.dag import Runner, StateGraph
from groundup.dag.annotations import UNKNOWN
from groundup.dag.arguments import Argument, Kind
from groundup.dag.state import State
from groundup.dag.uptodate import Tracker

root, jobs, COUNT = Path.cwd(), int(sys.argv[1]), 12

def note(line):
    with open("log", "a") as file:
        file.write(line + "\\n")

def declared(number):
    def function(**values):
        note(f"begin {number}")
        with open(f"{number}.out", "w") as file:
            file.write("first ")
            file.flush()
            time.sleep(0.01)
            file.write("second")
        note(f"end {number}")
        return number
    function.__annotations__["return"] = int
    parents = [f"s{n}" for n in (number - 1, number - 3) if n >= 0 and (jobs == 1 or n % 2 == number % 2)]
    arguments = tuple(Argument(name, Kind.VALUE, name, UNKNOWN) for name in parents)
    return State(f"s{number}", function, arguments, outputs=(f"{number}.out",))

graph = StateGraph(map(declared, range(COUNT)))
with Tracker(root, root / ".groundup") as tracker, Runner(graph, tracker=tracker, jobs=jobs) as runner:
    runner.reach(*graph.ends).raise_for_failure()
"""
COUNT = 12
KILLS = 20


def start(folder: Path, jobs: int) -> Background:
    return Background([sys.executable, "-c", PROGRAM, str(jobs)], env=dict(os.environ), cwd=folder)


def finish(folder: Path, jobs: int) -> None:
    with start(folder, jobs) as process:
        assert process.wait() == 0, process.stderr


def lines(folder: Path, word: str) -> Counter[str]:
    log = folder / "log"
    found = log.read_text().splitlines() if log.is_file() else []
    return Counter(line.partition(" ")[2] for line in found if line.startswith(word))


def has_begun(folder: Path, count: int, process: Background) -> bool:
    """Return whether `count` states have begun, or all is over."""
    return lines(folder, "begin").total() >= count or process.ended()


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_run_that_was_killed_anywhere_is_completed_by_the_next(tmp_path: Path, jobs: int) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311
    for number in range(KILLS // 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        wanted = chance.randrange(COUNT)
        with start(folder, jobs) as process:
            until(partial(has_begun, folder, wanted, process), "a state")
            time.sleep(chance.uniform(0, 0.02))
            process.send(signal.SIGKILL)
        ended = lines(folder, "end")
        finish(folder, jobs)
        assert {path.read_text() for path in folder.glob("*.out")} == {"first second"}
        assert len(list(folder.glob("*.out"))) == COUNT
        again = [name for name, count in lines(folder, "end").items() if count > 1 and name in ended]
        assert len(again) <= jobs  # those whose end was not recorded yet
        before = lines(folder, "begin")
        finish(folder, jobs)
        assert lines(folder, "begin") == before


def test_runs_that_meet_share_the_work(tmp_path: Path) -> None:
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        processes = [start(folder, jobs) for jobs in (1, 1, 1)]
        for process in processes:
            with process:
                assert process.wait() == 0, process.stderr
        assert lines(folder, "begin") == {str(number): 1 for number in range(COUNT)}
