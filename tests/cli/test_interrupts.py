"""A run that is interrupted ends the processes of its states, says so, and is continued by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from groundup.cli.interrupts import HungUp, Terminated, terminable
from groundup.dag.output import Children, Running, watching
from tests.support.background import Background, alive, until
from tests.support.neo import Neo
from tests.support.repositories import write
from tests.support.terminal import Terminal

STATES = '''
    import subprocess
    from pathlib import Path

    from groundup import Config, state


    @state(outputs=["work/first.txt"])
    def first(config: Config) -> None:
        """It is done before."""
        with (config.root / "work/first.txt").open("a") as file:
            file.write("done\\n")


    @state(needs=["first"], outputs=["work/second.txt"])
    def second(config: Config) -> None:
        """It takes long, unless told otherwise."""
        work = config.root / "work"
        if not (work / "quick").exists():
            script = f"echo $$ > {work}/pid.tmp && mv {work}/pid.tmp {work}/pid && exec sleep 600"
            subprocess.run(["sh", "-c", script], check=True)
        (work / "second.txt").touch()
'''


@pytest.fixture
def repo(client: Neo) -> Neo:
    """A repository whose states are those above."""
    write(client.repo, "groundup_states.py", STATES)
    return client


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "hung up"),
    ],
)
@pytest.mark.parametrize("words", [(), ("--json",), ("-s",)])
def test_children_are_ended_and_the_next_run_continues(
    repo: Neo, number: signal.Signals, code: int, word: str, words: tuple[str, ...]
) -> None:
    pid = repo.repo / "work/pid"
    with Background(repo.module("reach", "second", *words), env=repo.env, cwd=repo.repo) as process:
        until(pid.exists, "the child process of the state")
        child = int(pid.read_text())
        process.send(number)
        assert process.wait() == code
        assert not alive(child)
    expected = f"error: {word}\nhint: run the same command again: it continues\n"
    assert process.stderr.endswith(expected)
    assert "Traceback" not in process.stderr
    (repo.repo / "work/quick").touch()
    done = repo.run(repo.module("reach", "second"), check=True)
    assert "= first  up to date" in done.stderr
    assert "ok 1 · changed 1 · skipped 1" in done.stderr
    assert (repo.repo / "work/first.txt").read_text() == "done\n"


STUBBORN = '''
    import subprocess
    import time
    from collections.abc import Iterator
    from pathlib import Path

    from groundup import state


    @state
    def held() -> Iterator[str]:
        """It takes for ever to be put away."""
        yield "held"
        Path("work/putting-away").touch()
        time.sleep(600)


    @state
    def stubborn(held: str) -> None:
        """Its program does not end when it is asked to."""
        note = "echo $$ > work/pid.tmp; mv work/pid.tmp work/pid"
        script = f"trap ': > work/asked' TERM; {note}; while :; do sleep 0.05; done"
        subprocess.Popen(["sh", "-c", script]).wait()
'''


@pytest.mark.parametrize("when", ["asked", "putting-away"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_one_ends_everything_at_once(
    client: Neo, number: signal.Signals, code: int, when: str
) -> None:
    write(client.repo, "groundup_states.py", STUBBORN)
    work = client.repo / "work"
    with Background(client.module("reach", "stubborn"), env=client.env, cwd=client.repo) as process:
        until((work / "pid").exists, "the child process of the state")
        child = int((work / "pid").read_text())
        process.send(number)
        until((work / when).exists, f"{when} after the first signal")
        process.send(number)
        assert process.wait() == code
        assert not alive(child)
    assert "Traceback" not in process.stderr


def test_a_terminal_that_is_closed_ends_the_run(repo: Neo) -> None:
    with Terminal(repo.module("reach", "second"), env=repo.env, cwd=repo.repo) as terminal:
        terminal.read_until("It takes long|second  [1-9]")
        until((repo.repo / "work/pid").exists, "the child process of the state")
        child = int((repo.repo / "work/pid").read_text())
        assert terminal.hang_up() == 129
        assert not alive(child)


def test_with_nohup_a_run_goes_on(repo: Neo) -> None:
    pid = repo.repo / "work/pid"
    command = ["nohup", *repo.module("reach", "second", "-q")]
    with Background(command, env=repo.env, cwd=repo.repo) as process:
        until(pid.exists, "the child process of the state")
        process.send(signal.SIGHUP)
        process.send(signal.SIGTERM)
        assert process.wait() == 143


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated), (signal.SIGHUP, HungUp)],
)
def test_a_process_that_is_being_started_is_waited_for(
    number: signal.Signals, error: type[KeyboardInterrupt]
) -> None:
    parent, started = os.getpid(), []

    def interrupt() -> None:  # in the child, before it becomes another program
        os.kill(parent, number)
        time.sleep(0.2)

    children = Children()
    with pytest.raises(error), terminable(), watching(), Running(children):
        started.append(subprocess.Popen(["sleep", "600"], preexec_fn=interrupt))  # noqa: PLW1509
        started[0].wait(60)
    assert [process.pid for process in children.living()] == [started[0].pid]
    children.end()
    started[0].wait(60)


def test_the_handler_of_before_is_back_after_a_run() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), terminable():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_outside_of_the_main_thread_signals_are_left_alone(tmp_path: Path) -> None:
    seen = []

    def look() -> None:
        with terminable():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
