"""Runs that are killed: what was not done to its end is never taken for done, whatever is put back."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from tests.support.background import Background, until

# What it makes is not declared: only the record can tell that it is done.
PROGRAM = """
import sys, time
from pathlib import Path
from groundup.dag import Runner, StateGraph, state
from groundup.dag.uptodate import Tracker

root = Path.cwd()

@state(inputs=["in.txt"])
def copied() -> str:
    text = Path("in.txt").read_text()
    for number in range(20):
        Path("made.txt").write_text(text[:number])
        time.sleep(float(sys.argv[1]))
    Path("made.txt").write_text(text)
    return text

@state(outputs=["end.txt"])
def end(copied: str) -> None:
    Path("end.txt").write_text(copied + Path("made.txt").read_text())

graph = StateGraph([copied, end])
with Tracker(root, root / ".groundup") as tracker, Runner(graph, tracker=tracker) as runner:
    runner.reach("end").raise_for_failure()
"""
KILLS = 15
TEXTS = ("first" * 10, "second" * 10)


def start(folder: Path, pause: float = 0.0) -> Background:
    return Background([sys.executable, "-c", PROGRAM, str(pause)], env=dict(os.environ), cwd=folder)


def complete(folder: Path) -> None:
    with start(folder) as process:
        assert process.wait() == 0, process.stderr


def made(folder: Path) -> str:
    path = folder / "made.txt"
    return path.read_text() if path.exists() else ""


def test_an_input_that_is_put_back_after_a_kill_does_not_hide_what_was_left_undone(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text(TEXTS[0])
    complete(tmp_path)
    (tmp_path / "in.txt").write_text(TEXTS[1])
    with start(tmp_path, 0.2) as process:
        until(lambda: made(tmp_path) == TEXTS[1][:1], "the beginning of the work")
        process.send(signal.SIGKILL)
    (tmp_path / "in.txt").write_text(TEXTS[0])
    complete(tmp_path)
    assert made(tmp_path) == TEXTS[0]


def test_kills_at_any_moment_leave_nothing_undone(tmp_path: Path) -> None:
    chance = random.SystemRandom()
    for _ in range(KILLS):
        text = chance.choice(TEXTS)
        (tmp_path / "in.txt").write_text(text)
        with start(tmp_path, 0.002) as process:
            time.sleep(chance.uniform(0.05, 0.5))  # any moment: before, in or after the work
            process.send(signal.SIGKILL)
        if chance.random() < 0.5:
            text = chance.choice(TEXTS)
            (tmp_path / "in.txt").write_text(text)
        complete(tmp_path)
        assert made(tmp_path) == text
        assert (tmp_path / "end.txt").read_text() == text * 2
