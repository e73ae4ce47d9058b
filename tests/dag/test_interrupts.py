"""An interrupt or a time limit ends the child processes of states, and nothing else of the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from groundup.dag import Runner, StateGraph, StateTimeoutError, Status, state
from groundup.dag.uptodate import Tracker
from tests.support.background import Background, alive, until

SLEEPER = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
SHELL = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-c", sys.argv[2], sys.argv[1]])
child.wait()
"""

# States whose children are started in several ways, each of which notes the id of its process in a file.
PROGRAM = f"""
import asyncio, os, subprocess, sys, threading
from groundup.dag import Runner, StateGraph, state
SLEEPER, SHELL, PYTHON = {SLEEPER!r}, {SHELL!r}, [sys.executable, "-I", "-c"]

@state
def direct():
    subprocess.run([*PYTHON, SLEEPER, "direct"], check=True)

@state
def grandchild():
    subprocess.run([*PYTHON, SHELL, "grandchild", SLEEPER], check=True)

@state
async def awaited():
    process = await asyncio.create_subprocess_exec(*PYTHON, SLEEPER, "awaited")
    await process.wait()

@state(timeout=600)
def limited():
    subprocess.run([*PYTHON, SLEEPER, "limited"], check=True)

@state
def threaded():
    thread = threading.Thread(target=subprocess.run, args=([*PYTHON, SLEEPER, "threaded"],))
    thread.start()
    thread.join()

states = [direct, grandchild, awaited, limited, threaded]
outside = subprocess.Popen([*PYTHON, SLEEPER, "outside"])
try:
    with Runner(StateGraph(states), jobs=len(states)) as runner:
        runner.reach(*states)
except KeyboardInterrupt:
    os._exit(130)
"""
NAMES = ("direct", "grandchild", "awaited", "limited", "threaded")


def pid_in(file: Path) -> int:
    until(lambda: file.is_file() and file.read_text(), f"a process id in {file}")
    return int(file.read_text())


@pytest.mark.parametrize("times", [1, 3])
def test_an_interrupt_ends_the_children_of_all_states(tmp_path: Path, times: int) -> None:
    with Background([sys.executable, "-c", PROGRAM], env=dict(os.environ), cwd=tmp_path) as process:
        pids = [pid_in(tmp_path / name) for name in NAMES]
        outside = pid_in(tmp_path / "outside")
        for _ in range(times):
            process.send(signal.SIGINT)
            time.sleep(0.01)
        began = time.monotonic()
        assert process.process.wait(30) == 130, process.stderr
        assert time.monotonic() - began < 10
        assert [name for name, pid in zip(NAMES, pids, strict=True) if alive(pid)] == []
        assert alive(outside)


def test_a_time_limit_ends_the_children_of_its_state_alone(tmp_path: Path) -> None:
    python = [sys.executable, "-I", "-c"]

    @state(timeout=1.0)
    def limited() -> None:
        subprocess.run([*python, SHELL, str(tmp_path / "limited"), SLEEPER], check=True)

    @state
    def other() -> int:
        with subprocess.Popen([*python, SLEEPER, str(tmp_path / "other")]) as process:
            pid_in(tmp_path / "limited")
            ended = tmp_path / "ended"
            until(ended.exists, "the end of the other state")
            running = process.poll() is None
            process.kill()
        return running

    def note(event: object) -> None:
        if getattr(getattr(event, "outcome", None), "status", None) is Status.FAILED:
            (tmp_path / "ended").touch()

    with Runner(StateGraph([limited, other]), jobs=2, keep_going=True, on_event=note) as runner:
        outcomes = {each.state.name: each for each in runner.reach(limited, other).outcomes}
    assert isinstance(outcomes["limited"].error, StateTimeoutError)
    assert not alive(pid_in(tmp_path / "limited"))
    assert outcomes["other"].value is True


# One state alone runs in the main thread, which the interrupt reaches first.
ALONE = f"""
import os, subprocess, sys
from groundup.dag import Runner, StateGraph, state
PYTHON = [sys.executable, "-I", "-c"]

@state
def alone():
    shell = '"$@" & wait'
    subprocess.run(["bash", "-c", shell, "bash", *PYTHON, {SLEEPER!r}, "orphan"], check=True)

try:
    with Runner(StateGraph([alone])) as runner:
        runner.reach(alone)
except KeyboardInterrupt:
    os._exit(130)
"""


@pytest.mark.parametrize("to_all", [False, True], ids=["to the run", "to its whole group"])
def test_what_a_process_left_behind_when_it_was_interrupted_is_ended(tmp_path: Path, to_all: bool) -> None:
    with Background([sys.executable, "-c", ALONE], env=dict(os.environ), cwd=tmp_path) as process:
        orphan = pid_in(tmp_path / "orphan")
        if to_all:  # as from a terminal; the shell's own background processes do not mind
            os.killpg(os.getpgid(process.process.pid), signal.SIGINT)
        else:
            process.send(signal.SIGINT)
        assert process.process.wait(30) == 130, process.stderr
        until(lambda: not alive(orphan), "the end of the orphan")


def test_a_time_limit_ends_what_left_its_session_and_lost_its_parent(tmp_path: Path) -> None:
    @state(timeout=2.0)
    def leaving() -> None:
        inner = [sys.executable, "-I", "-c", SLEEPER, str(tmp_path / "daemon")]
        subprocess.run(["sh", "-c", 'setsid "$@" & exit 0', "sh", *inner], check=True, env={})
        pid_in(tmp_path / "daemon")
        time.sleep(600)

    with Runner(StateGraph([leaving])) as runner:
        (outcome,) = runner.reach(leaving).outcomes
    assert isinstance(outcome.error, StateTimeoutError)
    assert not alive(pid_in(tmp_path / "daemon"))


CUT_OFF = """
import os, subprocess, sys
from pathlib import Path
from groundup.dag import Runner, StateGraph, state
from groundup.dag.uptodate import Tracker

@state(outputs=["out"])
def half():
    subprocess.run(["bash", "-c", "echo half > out; touch begun; sleep 600; echo whole >> out"])

@state
def main():
    subprocess.run(["sleep", "600"])

here = Path.cwd()
def notes(event):
    outcome = getattr(event, "outcome", None)
    if outcome is not None and outcome.state.name == "half":
        (here / "said").write_text(outcome.status.value)
try:
    with Tracker(here, here / "store") as tracker:
        with Runner(StateGraph([main, half]), jobs=2, tracker=tracker, on_event=notes) as runner:
            runner.reach(main, half)
except KeyboardInterrupt:
    os._exit(130)
"""


def test_a_state_whose_processes_were_ended_is_not_taken_for_done(tmp_path: Path) -> None:
    with Background([sys.executable, "-c", CUT_OFF], env=dict(os.environ), cwd=tmp_path) as process:
        until((tmp_path / "begun").exists, "the state")
        process.send(signal.SIGINT)
        assert process.process.wait(30) == 130, process.stderr
    assert (tmp_path / "out").read_text() == "half\n"
    assert (tmp_path / "said").read_text() == "failed"

    @state(outputs=["out"])
    def half() -> None:
        (tmp_path / "out").write_text("whole")

    with (
        Tracker(tmp_path, tmp_path / "store") as tracker,
        Runner(StateGraph([half]), tracker=tracker) as runner,
    ):
        (outcome,) = runner.reach(half).outcomes
    assert outcome.status is Status.CHANGED
    assert (tmp_path / "out").read_text() == "whole"
