"""Nothing of a run outlives it: not what was started in it, however it left, and however the run ends."""

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from groundup.dag.output.children import Children, StateEndedError
from groundup.errors import UserError
from groundup.execution.containment import Containment, containment
from groundup.execution.process import Ended, run_process
from groundup.execution.supervision import client
from tests.execution.containments import ALL_OF_IT, contained
from tests.support.background import Background, alive, until
from tests.support.holding import HOLD, is_held, is_there

LIMIT = 2.0  # seconds that the end of a tree may take
ESCAPES = {
    "child": "child({path!r})",
    "daemon": "daemon({path!r})",
    "process group": "subprocess.Popen([sys.executable, '-c', {hold!r}], start_new_session=True)",
}


def code(path: Path, escape: str, then: str) -> str:
    """Return code that starts a process that holds `path`, waits for it, and goes on with `then`."""
    hold = f"{HOLD}\nhold({str(path)!r})"
    start = ESCAPES[escape].format(path=str(path), hold=hold)
    return f"{HOLD}\n{start}\nwait_for({str(path)!r})\n{then}\n"


def python(source: str, **options: object) -> Ended:
    """Run `source` by a bare interpreter."""
    return run_process([sys.executable, "-I", "-c", source], env={}, **options)  # type: ignore[arg-type]


@pytest.fixture(params=ESCAPES)
def escape(request: pytest.FixtureRequest) -> str:
    """Each way in which a process is started by a run."""
    return str(request.param)


def test_what_a_process_leaves_behind_ends_with_it(escape: str, whole: Containment, tmp_path: Path) -> None:
    ended = python(code(tmp_path / "lock", escape, "sys.exit(3)"), timeout=60, contained_by=whole)
    assert (ended.exit_code, ended.timed_out) == (3, False)
    assert is_there(tmp_path / "lock")
    assert not is_held(tmp_path / "lock")


def test_a_timeout_ends_all(escape: str, whole: Containment, tmp_path: Path) -> None:
    source = code(tmp_path / "lock", escape, "print('there', flush=True); hold(sys.argv[0] + 'other')")
    ended = python(source, timeout=3, contained_by=whole, cwd=tmp_path)
    assert (ended.timed_out, ended.exit_code) == (True, 128 + signal.SIGKILL)
    assert bytes(ended.stdout) == b"there\n"
    assert 3 <= ended.duration < 3 + LIMIT
    assert not is_held(tmp_path / "lock")


def test_an_error_in_a_callback_ends_all_first(escape: str, whole: Containment, tmp_path: Path) -> None:
    def fail(text: str) -> None:
        raise RuntimeError(text)

    source = code(tmp_path / "lock", escape, "print('no more', flush=True); time.sleep(600)")
    with pytest.raises(RuntimeError, match="no more"):
        python(source, on_stdout=fail, contained_by=whole)
    assert not is_held(tmp_path / "lock")


CALLER = """
import sys
from groundup.execution.containment import containment
from groundup.execution.process import run_process

def run():
    run_process([sys.executable, "-I", "-c", sys.argv[2]], env={}, contained_by=containment(sys.argv[1]))

try:
    run()
except KeyboardInterrupt:
    sys.exit(130)
"""


def caller(name: str, source: str, folder: Path) -> Background:
    """Start a process that runs `source`."""
    return Background([sys.executable, "-c", CALLER, name, source], env={}, cwd=folder)


@pytest.mark.parametrize("name", ALL_OF_IT)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_caller_ends_all(
    name: str, number: signal.Signals, escape: str, tmp_path: Path
) -> None:
    contained(name)
    with caller(name, code(tmp_path / "lock", escape, "time.sleep(600)"), tmp_path) as background:
        until(partial(is_there, tmp_path / "lock"), "the held process")
        background.send(number)
        assert background.wait() == (130 if number == signal.SIGINT else -number)
        until(lambda: not is_held(tmp_path / "lock"), "the end of the held process", LIMIT)


def test_an_interrupt_of_the_whole_group_too(escape: str, whole: Containment, tmp_path: Path) -> None:
    with caller(whole.name, code(tmp_path / "lock", escape, "time.sleep(600)"), tmp_path) as background:
        until(partial(is_there, tmp_path / "lock"), "the held process")
        background.send_to_group(signal.SIGINT)
        assert background.wait() == 130
        assert not is_held(tmp_path / "lock")


def test_a_caller_that_is_killed_at_any_moment_leaves_nothing(whole: Containment, tmp_path: Path) -> None:
    """What is killed right after its first run is killed while it starts the second."""
    for number in range(10):
        lock = tmp_path / f"lock{number}"
        again = f"""
import os, sys
from groundup.execution.containment import containment
from groundup.execution.process import run_process
held = containment({whole.name!r})
run_process([sys.executable, "-I", "-c", ""], env={{}}, contained_by=held)
os.write(1, b"ready\\n")
run_process([sys.executable, "-I", "-c", sys.argv[1]], env={{}}, contained_by=held)
"""
        source = f"{HOLD}\nhold({str(lock)!r})"
        env = {"HELD": str(lock)}  # of the keeper, too, which starts the second run
        with Background([sys.executable, "-c", again, source], env=env, cwd=tmp_path) as background:
            until(lambda: background.stdout, "the first run")
            threading.Event().wait(number * 0.003)
            background.kill()
            background.wait()
        until(partial(nothing_mentions, str(lock)), f"the end of run {number}", LIMIT)
        assert nothing_mentions(str(lock))


def nothing_mentions(words: str) -> bool:
    """Return whether no process of this machine has `words` in its arguments or variables."""
    processes = Path("/proc").glob("[0-9]*")
    return not any(words in _content(process / of) for process in processes for of in ("cmdline", "environ"))


def _content(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def test_a_forked_child_of_the_caller_keeps_nothing_alive(whole: Containment, tmp_path: Path) -> None:
    fork = f"""
import os, sys, time
from groundup.execution.containment import containment
from groundup.execution.process import run_process

def fork(text):
    if os.fork() == 0:
        os.setsid()
        print("forked", flush=True)
        time.sleep(600)

held = containment({whole.name!r})
run_process([sys.executable, "-I", "-c", sys.argv[1]], env={{}}, contained_by=held, on_stdout=fork)
"""
    source = code(tmp_path / "lock", "daemon", "print('there', flush=True); time.sleep(600)")
    with Background([sys.executable, "-c", fork, source], env={}, cwd=tmp_path) as background:
        until(lambda: background.stdout, "the forked child")
        os.kill(background.pid, signal.SIGKILL)
        background.process.wait()
        assert is_there(tmp_path / "lock")
        until(lambda: not is_held(tmp_path / "lock"), "the end of the held process", LIMIT)
        for process in Path("/proc").glob("[0-9]*"):  # the forked child, which is in no group of ours
            if source in _content(process / "cmdline"):
                os.kill(int(process.name), signal.SIGKILL)


def test_a_forked_child_of_the_caller_runs_by_itself(whole: Containment, tmp_path: Path) -> None:
    fork = f"""
import os, sys
from groundup.execution.containment import containment
from groundup.execution.process import run_process

def run(*argv):
    command = [sys.executable, "-I", "-c", *argv]
    return run_process(command, env={{}}, contained_by=containment({whole.name!r}))

run("")
child = os.fork()
if child == 0:
    print(run(sys.argv[1]).stdout.text(), end="", flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(run("print('again')").stdout.text(), end="")
"""
    source = code(tmp_path / "lock", "daemon", "print('there')")
    with Background([sys.executable, "-c", fork, source], env={}, cwd=tmp_path) as background:
        assert (background.wait(), background.stdout) == (0, "there\nagain\n")
    assert is_there(tmp_path / "lock")
    assert not is_held(tmp_path / "lock")


RESPAWN = """
import os, time
os.fork() or os.setsid()
deadline = time.monotonic() + 20  # bounded by itself
while time.monotonic() < deadline:
    if os.fork():
        os._exit(0)
"""


def test_what_forks_itself_away_all_the_time_ends(whole: Containment) -> None:
    """A fork bomb that is never more than a few processes."""
    ended = python(
        f"import os, time\nif os.fork(): time.sleep(1); os._exit(0)\n{RESPAWN}", contained_by=whole
    )
    assert ended.exit_code == 0
    assert ended.duration < 15


def test_output_that_a_daemon_keeps_open_is_not_waited_for(held: Containment) -> None:
    writer = "import os\\ntry:\\n  while True: os.write(1, b'x' * 2**16)\\nexcept OSError: pass"
    source = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-c", "{writer}"], start_new_session=True)
"""
    ended = python(source, timeout=60, contained_by=held)
    assert (ended.exit_code, ended.timed_out) == (0, False)


def test_a_process_group_holds_what_stays_in_it(tmp_path: Path) -> None:
    source = code(tmp_path / "lock", "child", "sys.exit(3)")
    ended = python(source, timeout=60, contained_by=contained("process-group"))
    assert ended.exit_code == 3
    until(lambda: not is_held(tmp_path / "lock"), "the end of the child")


def test_the_strongest_that_works_is_the_default() -> None:
    contained("pid-namespace")
    assert containment().name == python("").containment == "pid-namespace"


def test_without_bubblewrap_a_supervisor_is_the_default(tmp_path: Path) -> None:
    contained("supervisor")
    source = """
import sys
from groundup.execution.process import run_process
print(run_process([sys.executable, "-I", "-c", ""], env={}).containment)
"""
    with Background([sys.executable, "-c", source], env={"PATH": str(tmp_path)}, cwd=tmp_path) as background:
        assert (background.wait(), background.stdout) == (0, "supervisor\n")


def test_a_bubblewrap_that_does_not_work_is_not_used(tmp_path: Path) -> None:
    contained("supervisor")
    (tmp_path / "bwrap").write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create namespace' >&2\nexit 1\n"
    )
    (tmp_path / "bwrap").chmod(0o755)
    source = """
from groundup.execution.containment import containment
print(containment().name)
try:
    containment("pid-namespace")
except Exception as error:
    print(error)
"""
    with Background([sys.executable, "-c", source], env={"PATH": str(tmp_path)}, cwd=tmp_path) as background:
        assert background.wait() == 0
        assert background.stdout == (
            "supervisor\ncontainment by a pid-namespace does not work on this machine\n"
        )


def test_an_unknown_containment_is_named() -> None:
    with pytest.raises(UserError, match="containment 'vm' is not known"):
        containment("vm")


def test_a_keeper_that_was_killed_is_replaced(whole: Containment) -> None:
    python("", contained_by=whole)
    keeper = client._current.keeper
    assert keeper is not None
    os.kill(keeper.pid, signal.SIGKILL)
    until(lambda: not alive(keeper.pid), "the end of the keeper")
    for number in range(3):
        assert bytes(python(f"print({number})", contained_by=whole).stdout) == b"%d\n" % number
    assert client._current.keeper not in (None, keeper)


def test_a_supervisor_that_was_killed_while_it_waited_is_replaced(whole: Containment) -> None:
    python("", contained_by=whole)
    keeper = client._current.keeper
    assert keeper is not None
    children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children")
    until(children.read_text, "the next supervisor")
    for waiting in children.read_text().split():
        os.kill(int(waiting), signal.SIGKILL)
    assert bytes(python("print(1)", contained_by=whole).stdout) == b"1\n"
    assert client._current.keeper is keeper


def test_the_keeper_ends_with_its_caller(tmp_path: Path) -> None:
    source = """
import signal, sys
from groundup.execution.containment import containment
from groundup.execution.process import run_process
from groundup.execution.supervision import client
run_process([sys.executable, "-I", "-c", ""], env={}, contained_by=containment("supervisor"))
print(client._current.keeper.pid, flush=True)
if sys.argv[1] == "stay": signal.pause()
"""
    for way in ("leave", "stay"):
        with Background(
            [sys.executable, "-W", "error", "-c", source, way], env={}, cwd=tmp_path
        ) as background:
            until(lambda: background.stdout, "the id of the keeper")
            background.kill() if way == "stay" else background.wait()
            assert background.stderr == ""
            until(lambda: not alive(int(background.stdout)), "the end of the keeper")


def test_a_state_that_is_ended_ends_its_runs(escape: str, whole: Containment, tmp_path: Path) -> None:
    source = code(tmp_path / "lock", escape, "time.sleep(600)")
    codes: list[int] = []
    children = Children()

    def run() -> None:
        with children:
            codes.append(python(source, contained_by=whole).exit_code)

    thread = threading.Thread(target=run)
    thread.start()
    until(partial(is_there, tmp_path / "lock"), "the held process")
    children.end(0.1)
    thread.join()
    assert codes[0] in (128 + signal.SIGTERM, 128 + signal.SIGKILL)
    assert not is_held(tmp_path / "lock")


def test_a_state_that_was_stopped_starts_no_run(whole: Containment) -> None:
    children = Children()
    children.stop()
    with children, pytest.raises(StateEndedError):
        python("", contained_by=whole)
