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

# Two states, of which the second waits for a line from a named pipe.
PROGRAM = textwrap.dedent("""
    import sys
    sys.path[:0] = [sys.argv[1]]
    from groundup.cli.commands.reach import last_line, run
    from groundup.cli.progress import Progress
    from groundup.dag import StateGraph, state

    @state
    def quick() -> str:
        "Takes no time."
        return "first result"

    @state
    def slow(quick: str) -> str:
        "Waits for a word."
        with open(sys.argv[2]) as gate:
            return gate.readline().strip()

    progress = Progress(delay=float(sys.argv[3]))
    report = run(StateGraph([quick, slow]), ["slow"], progress, show=True)
    progress.write(sys.stdout)
    print(last_line(report))
    print("rich" in sys.modules)
""")
TREE = ["✓ quick  N s  first result", "└─ ✓ slow  N s  word", "SUCCESS: slow in N s"]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return clean_env(tmp_path / "home", TERM="xterm")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


def command(gate: Path, delay: float = 0.05) -> list[str]:
    return [sys.executable, "-I", "-c", PROGRAM, str(CHECKOUT / "src"), str(gate), str(delay)]


def lines(text: str) -> list[str]:
    return re.sub(r"\d+\.\d+ s", "N s", text).splitlines()


def test_a_short_run_shows_its_tree_alone(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "word").write_text("word\n")
    done = run(command(tmp_path / "word", delay=600), env=env, cwd=tmp_path, check=True)
    assert done.stderr == ""
    assert lines(done.stdout) == [*TREE, "False"]


def test_without_a_terminal_a_line_says_what_runs(env: dict[str, str], tmp_path: Path, gate: Path) -> None:
    with Background(command(gate), env=env, cwd=tmp_path) as process:
        process.wait_for_stderr("→ slow: Waits for a word.\n")
        gate.write_text("word\n")
        assert process.wait() == 0
        assert process.stderr.endswith("→ slow: Waits for a word.\n")
        assert lines(process.stdout) == [*TREE, "False"]


@contextlib.contextmanager
def on_terminal(arguments: list[str], env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a process whose stderr is a terminal; give it and the terminal's other end."""
    master, slave = pty.openpty()
    process = subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE, stderr=slave, text=True)
    os.close(slave)
    try:
        yield process, master
    finally:
        process.kill()
        process.communicate()
        os.close(master)


def test_on_a_terminal_the_tree_is_live_and_cleared_at_the_end(env: dict[str, str], gate: Path) -> None:
    seen = ""

    def running_is_shown() -> bool:
        nonlocal seen
        seen += os.read(terminal, 65536).decode()
        return re.search(r"└─ \S slow  \d+\.\d+ s  Waits for a word", seen) is not None

    with on_terminal(command(gate), env) as (process, terminal):
        until(running_is_shown, "the running state on the terminal")
        assert "\033[32m✓\033[0m quick" in seen
        gate.write_text("word\n")
        stdout, _ = process.communicate(timeout=60)
        assert lines(stdout) == [*TREE, "True"]
        with contextlib.suppress(OSError):
            seen += os.read(terminal, 65536).decode()
    assert "\033[2K" in seen  # lines were erased
    assert "SUCCESS" not in seen


def test_no_color_is_respected(env: dict[str, str], gate: Path) -> None:
    seen = ""

    def running_is_shown() -> bool:
        nonlocal seen
        seen += os.read(terminal, 65536).decode()
        return "quick" in seen

    with on_terminal(command(gate), {**env, "NO_COLOR": "1"}) as (_, terminal):
        until(running_is_shown, "the tree on the terminal")
    assert re.search(r"\033\[\d*m", seen) is None


def test_a_dumb_terminal_gets_lines(env: dict[str, str], gate: Path) -> None:
    shown: list[str] = []

    def line_is_shown() -> bool:
        shown.append(text.readline())
        return shown[-1] == "→ slow: Waits for a word.\n"

    dumb = {**env, "TERM": "dumb"}
    with on_terminal(command(gate), dumb) as (_, terminal), os.fdopen(os.dup(terminal)) as text:
        until(line_is_shown, "the line of the running state")
    assert "\033" not in "".join(shown)
