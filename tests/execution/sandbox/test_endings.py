"""Nothing of a run in a sandbox outlives it, however it and its caller end."""

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from groundup import SandboxExecutionRuntime
from tests.execution.test_trees import LIMIT, nothing_mentions
from tests.support.background import Background, until
from tests.support.holding import HOLD, is_held, is_there
from tests.support.users import User

HOLDERS = {
    "itself": "hold({path!r})",
    "child": "child({path!r}); time.sleep(600)",
    "daemon": "daemon({path!r}); time.sleep(600)",
    "many": "child({path!r}); wait_for({path!r}); [os.fork() for _ in range(4)]; time.sleep(600)",
}


@pytest.fixture(params=HOLDERS)
def holder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Code that holds `work/lock` in some way and ignores signals."""
    (tmp_path / "work").mkdir()
    return HOLD + HOLDERS[request.param].format(path=str(tmp_path / "work" / "lock"))


def test_nothing_outlives_a_timeout(
    runtime: SandboxExecutionRuntime, holder: str, user: User, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    result = runtime.run_script(holder.encode(), cwd=work, timeout=2, check=False)
    assert (result.phase, result.exit_code) == ("timeout", 128 + signal.SIGKILL)
    assert 2 <= result.duration < 2 + LIMIT
    assert is_there(work / "lock")
    assert not is_held(work / "lock")
    assert {path.stat().st_uid for path in (work, *work.iterdir())} == {os.getuid()}


def test_nothing_outlives_its_end(runtime: SandboxExecutionRuntime, user: User, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    source = f"{HOLD}\ndaemon('lock'); wait_for('lock')"
    assert runtime.run_script(source.encode(), cwd=work).ok
    assert is_there(work / "lock")
    assert not is_held(work / "lock")


CALLER = """
import sys
from groundup import SandboxExecutionRuntime
try:
    SandboxExecutionRuntime().run_script(sys.argv[1].encode(), cwd=sys.argv[2])
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_caller(
    runtime: SandboxExecutionRuntime, number: signal.Signals, user: User, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    source = f"{HOLD}\ndaemon('lock')\ntime.sleep(600)  # {work}"
    with Background([sys.executable, "-c", CALLER, source, str(work)], env=user.env, cwd=tmp_path) as caller:
        until(partial(is_there, work / "lock"), "the held process")
        caller.send(number)
        assert caller.wait() == (130 if number == signal.SIGINT else -number), caller.stderr
        until(lambda: not is_held(work / "lock"), "the end of the held process", LIMIT)


def test_a_caller_that_is_killed_while_it_starts_one_leaves_nothing(
    runtime: SandboxExecutionRuntime, user: User, tmp_path: Path
) -> None:
    again = """
import os, sys
from groundup import SandboxExecutionRuntime
runtime = SandboxExecutionRuntime()
runtime.run_script(b"")
os.write(1, b"ready\\n")
runtime.run_script(b"import time; time.sleep(600)", sys.argv[1])
"""
    for number in range(8):
        mark = f"mark-{number}-{tmp_path}"
        with Background([sys.executable, "-c", again, mark], env=user.env, cwd=tmp_path) as background:
            until(lambda: background.stdout, "the first run")
            threading.Event().wait(number * 0.008)
            background.kill()
            background.wait()
        until(partial(nothing_mentions, mark), f"the end of run {number}", LIMIT)
        assert nothing_mentions(mark)
