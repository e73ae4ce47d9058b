"""What is shown while states run: nothing for a short run, lines without a terminal, else a live tree."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.background import Background, until
from tests.support.process import clean_env, run

CHECKOUT = Path(__file__).resolve().parents[2]

# The second state says something and waits for a line from a named pipe; the third one fails once.
PROGRAM = textwrap.dedent("""
    import sys
    sys.path[:0] = [sys.argv[1]]
    from pathlib import Path
    from groundup.cli.account import write_account
    from groundup.cli.outputs import Outputs
    from groundup.cli.progress import Progress
    from groundup.cli.running import Options, Repository, runner_of
    from groundup.config import Config
    from groundup.dag import Retries, state
    from groundup.states.loading import LoadedGraph

    @state
    def quick() -> str:
        "Takes no time."
        return "first result"

    @state
    def slow(quick: str) -> str:
        "Waits for a word."
        print("it waits now", flush=True)
        with open(sys.argv[2]) as gate:
            return gate.readline().strip()

    failed = []

    @state(retries=Retries(1, delay=1e-9))
    def shaky() -> None:
        "Fails once."
        with open(sys.argv[2]) as gate:
            gate.readline()
        if not failed:
            failed.append(1)
            raise ValueError("not yet")

    root, (delay, target, *words) = Path.cwd(), sys.argv[3:]
    here = Repository(Config(root=root, venv=root), LoadedGraph([quick, slow, shaky]), root)
    outputs = Outputs() if "-v" in words else None
    progress = Progress(
        float(delay),
        is_live="-s" not in words,
        output_of=outputs.of if outputs else None,
        planned=lambda: ["quick", "slow"],
    )
    options = Options(outputs=outputs, captures="-s" not in words)
    with progress, runner_of(here, options, progress.on_event) as runner:
        report = runner.reach(target)
    write_account(report, progress.steps, sys.stdout)
    print("rich" in sys.modules)
""")
SUMMARY = "ok 2 · changed 0 · skipped 0 · failed 0 · not run 0"
TREE = ["✓ quick  N s  first result", "└─ ✓ slow  N s  word"]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return clean_env(tmp_path / "home", TERM="xterm")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


def command(gate: Path, delay: float = 0.05, target: str = "slow", *words: str) -> list[str]:
    program = [sys.executable, "-I", "-c", PROGRAM, str(CHECKOUT / "src")]
    return [*program, str(gate), str(delay), target, *words]


def lines(text: str) -> list[str]:
    return re.sub(r"\d+\.\d+ s", "N s", text).splitlines()


def account(text: str) -> list[str]:
    """The lines of a run's account without that of its critical path, which slow machines have."""
    return [line for line in lines(text) if not line.startswith("critical path")]


def test_a_short_run_shows_its_tree_alone(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "word").write_text("word\n")
    done = run(command(tmp_path / "word", delay=600), env=env, cwd=tmp_path, check=True)
    assert done.stderr == ""
    assert account(done.stdout) == [*TREE, SUMMARY, "SUCCESS: slow in N s", "False"]


def test_without_a_terminal_lines_say_what_runs_and_what_has_ended(
    env: dict[str, str], tmp_path: Path, gate: Path
) -> None:
    with Background(command(gate), env=env, cwd=tmp_path) as process:
        process.wait_for_stderr("→ slow: Waits for a word.\n")
        gate.write_text("word\n")
        assert process.wait() == 0
        told = [line for line in lines(process.stderr) if "quick" not in line]  # which a busy machine slows
        assert told == ["→ slow: Waits for a word.", "✓ slow  N s"]
        assert account(process.stdout) == [*TREE, SUMMARY, "SUCCESS: slow in N s", "False"]


def test_another_attempt_is_a_line(env: dict[str, str], tmp_path: Path, gate: Path) -> None:
    with Background(command(gate, 0.05, "shaky"), env=env, cwd=tmp_path) as process:
        process.wait_for_stderr("→ shaky: Fails once.\n")
        gate.write_text("\n")
        process.wait_for_stderr("… shaky: attempt 1 failed: ValueError: not yet; the next one in 0.00 s\n")
        gate.write_text("\n")
        assert process.wait() == 0
        assert lines(process.stderr)[-1] == "✓ shaky  N s, 2 attempts"


def test_what_a_state_wrote_is_shown_when_it_has_ended_where_that_is_wanted(
    env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "word").write_text("word\n")
    done = run(command(tmp_path / "word", 600, "slow", "-v"), env=env, cwd=tmp_path, check=True)
    assert done.stderr == "slow wrote:\n│ it waits now\n"


def test_output_of_states_goes_straight_through_where_that_is_wanted(
    env: dict[str, str], tmp_path: Path, gate: Path
) -> None:
    with Background(command(gate, 0.05, "slow", "-s"), env=env, cwd=tmp_path) as process:
        process.wait_for_stderr("→ slow")
        until(lambda: process.stdout == "it waits now\n", "the output of the running state")
        gate.write_text("word\n")
        assert process.wait() == 0


@contextlib.contextmanager
def on_terminal(
    arguments: list[str], env: dict[str, str], cwd: Path
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a process whose stderr is a terminal; give it and the terminal's other end."""
    master, slave = pty.openpty()
    process = subprocess.Popen(arguments, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=slave, text=True)
    os.close(slave)
    try:
        yield process, master
    finally:
        process.kill()
        process.communicate()
        os.close(master)


def test_on_a_terminal_the_tree_is_live_and_cleared_at_the_end(
    env: dict[str, str], gate: Path, tmp_path: Path
) -> None:
    seen = ""

    def running_is_shown() -> bool:
        nonlocal seen
        seen += os.read(terminal, 65536).decode()
        return re.search(r"└─ \S slow  \d+\.\d+ s  it waits now", seen) is not None

    with on_terminal(command(gate), env, tmp_path) as (process, terminal):
        until(running_is_shown, "the running state with its last line on the terminal")
        assert "\033[32m✓\033[0m quick" in seen
        assert "1 of 2: ok 1 · running 1" in seen
        gate.write_text("word\n")
        stdout, _ = process.communicate(timeout=60)
        assert account(stdout) == [*TREE, SUMMARY, "SUCCESS: slow in N s", "True"]
        with contextlib.suppress(OSError):
            seen += os.read(terminal, 65536).decode()
    assert "\033[2K" in seen  # lines were erased
    assert "SUCCESS" not in seen


def test_output_that_is_wanted_stands_above_the_live_tree(
    env: dict[str, str], gate: Path, tmp_path: Path
) -> None:
    with on_terminal(command(gate, 0.05, "slow", "-v"), env, tmp_path) as (process, terminal):
        until(lambda: "running 1" in os.read(terminal, 65536).decode(), "the live tree")
        gate.write_text("word\n")
        process.wait(60)
        seen = os.read(terminal, 65536).decode().replace("\r", "")
    assert re.search(r"(?m)^(\033\[\S+)*slow wrote:\s*$", seen)
    assert re.search(r"(?m)^│ it waits now\s*$", seen)


def test_no_color_is_respected(env: dict[str, str], gate: Path, tmp_path: Path) -> None:
    seen = ""

    def running_is_shown() -> bool:
        nonlocal seen
        seen += os.read(terminal, 65536).decode()
        return "quick" in seen

    with on_terminal(command(gate), {**env, "NO_COLOR": "1"}, tmp_path) as (_, terminal):
        until(running_is_shown, "the tree on the terminal")
    assert re.search(r"\033\[\d*m", seen) is None


def test_a_terminal_that_states_write_to_gets_lines(env: dict[str, str], gate: Path, tmp_path: Path) -> None:
    shown: list[str] = []

    def line_is_shown() -> bool:
        shown.append(text.readline())
        return shown[-1] == "→ slow: Waits for a word.\n"

    arguments = command(gate, 0.05, "slow", "-s")
    with on_terminal(arguments, env, tmp_path) as (_, terminal), os.fdopen(os.dup(terminal)) as text:
        until(line_is_shown, "the line of the running state")
    assert not re.search(r"\033\[\d*[A-K]", "".join(shown))  # nothing moves the cursor


def test_a_dumb_terminal_gets_lines(env: dict[str, str], gate: Path, tmp_path: Path) -> None:
    shown: list[str] = []

    def line_is_shown() -> bool:
        shown.append(text.readline())
        return shown[-1] == "→ slow: Waits for a word.\n"

    dumb = {**env, "TERM": "dumb"}
    with on_terminal(command(gate), dumb, tmp_path) as (_, terminal), os.fdopen(os.dup(terminal)) as text:
        until(line_is_shown, "the line of the running state")
    assert "\033" not in "".join(shown)
