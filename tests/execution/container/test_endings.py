"""Nothing of a container outlives its run: however that ends, and whoever is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from groundup.errors import GroundupError
from groundup.execution.container import IsolatedExecutionRuntime, guarding, reap_containers
from groundup.execution.container.engine import Engine
from groundup.execution.container.owner import Owner
from tests.support.background import Background, alive, until
from tests.support.containers import TAG, gone_within, owned, runtime_of, share_facts
from tests.support.users import User

LIMIT = 2.0  # seconds that the end of a container may take
HOLD = """
import os, signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
print("there", flush=True)
time.sleep(600)
"""
CALLER = f"""
import os, sys
from groundup.execution.container import IsolatedExecutionRuntime
runtime = IsolatedExecutionRuntime({TAG!r}, engine=sys.argv[1], pull="never", warm=int(sys.argv[2]))
mine = {{"label": f"groundup.pid={{os.getpid()}}"}}
try:
    runtime.run_script(sys.argv[3].encode(), on_stdout=lambda text: print(text, flush=True))
except KeyboardInterrupt:
    print(len(runtime._engine.api.containers(all=True, filters=mine)))
    sys.exit(130)
"""


def caller(user: User, engine: Engine, source: str = HOLD, warm: int = 0) -> Background:
    """Start a process that runs `source` in a container."""
    share_facts(user)
    command = [sys.executable, "-c", CALLER, engine.url, str(warm), source]
    return Background(command, env=user.env, cwd=user.home)


def guard_of(pid: int) -> int:
    """Return the process id of the guard of a process."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            words = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and b"import guard" in words:
            return int(status.parent.name)
    raise LookupError("no guard")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("warm", [0, 1])
def test_the_end_of_the_caller_ends_it(number: signal.Signals, warm: int, user: User, engine: Engine) -> None:
    with caller(user, engine, warm=warm) as background:
        until(lambda: "there" in background.stdout, "the container")
        assert owned(engine, background.pid)
        background.send(number)
        assert background.wait() == (130 if number == signal.SIGINT else -number)
        gone_within(engine, background.pid, LIMIT)
        if number == signal.SIGINT and not warm:
            assert background.stdout.splitlines()[-1] == "0"  # nothing was left to the guard


def test_an_interrupt_of_the_whole_group_ends_it(user: User, engine: Engine) -> None:
    with caller(user, engine) as background:
        until(lambda: "there" in background.stdout, "the container")
        background.send_to_group(signal.SIGINT)
        assert background.wait() == 130
        assert owned(engine, background.pid) == []


def test_a_caller_that_is_killed_at_any_moment_leaves_nothing(user: User, docker: Engine) -> None:
    for number in range(8):
        with caller(user, docker) as background:
            until(lambda: owned(docker, background.pid), "the container", 60)
            until(lambda: True, "", number * 0.05)
            background.kill()
            background.wait()
        gone_within(docker, background.pid, LIMIT * 2)
        assert owned(docker, background.pid) == []


def test_what_its_guard_could_not_remove_is_reaped(user: User, engine: Engine) -> None:
    with caller(user, engine) as background:
        until(lambda: "there" in background.stdout, "the container")
        (left,) = owned(engine, background.pid)
        assert left not in reap_containers(engine.url, dry_run=True)  # its owner lives
        os.kill(guard_of(background.pid), signal.SIGKILL)
        background.kill()
        background.wait()
    reap_containers(engine.url)  # another process that starts now may be faster
    assert owned(engine, background.pid) == []


def test_a_new_process_reaps_what_another_left(user: User, docker: Engine) -> None:
    with caller(user, docker) as background:
        until(lambda: "there" in background.stdout, "the container")
        os.kill(guard_of(background.pid), signal.SIGKILL)
        background.kill()
        background.wait()
    with caller(user, docker, "print(1)") as other:
        assert other.wait() == 0
    assert owned(docker, background.pid) == []


def test_containers_of_others_are_left_alone(docker: Engine) -> None:
    labels = {**Owner.here().labels(), "groundup.machine": "another", "groundup.boot": "another"}
    name = f"groundup-test-{os.getpid()}"
    docker.api.create_container("python:3.12-slim", ["true"], name=name, labels=labels)
    try:
        assert name not in reap_containers(docker.url)
        assert name in owned(docker)
    finally:
        docker.remove(name)


def test_a_guard_that_was_killed_is_replaced(user: User, docker: Engine) -> None:
    with runtime_of(user, docker) as runtime:
        runtime.run_script(b"print(1)")
        first = guard_of(os.getpid())
        os.kill(first, signal.SIGKILL)
        until(lambda: not alive(first), "the end of the guard")
        assert runtime.run_script(b"print(1)").stdout == "1\n"
        assert guard_of(os.getpid()) != first


def test_what_was_not_removed_is_removed_by_the_guard_at_once(docker: Engine) -> None:
    name = f"groundup-test-{os.getpid()}"
    with pytest.raises(KeyboardInterrupt), guarding.guarded(docker.url, name):
        docker.api.create_container("python:3.12-slim", ["true"], name=name, labels=Owner.here().labels())
        raise KeyboardInterrupt
    gone_within(docker, os.getpid(), 10)


def test_an_error_in_a_callback_ends_it_first(runtime: IsolatedExecutionRuntime, engine: Engine) -> None:
    def fail(text: str) -> None:
        raise RuntimeError(text)

    with pytest.raises(RuntimeError, match="there"):
        runtime.run_script(HOLD.encode(), on_stdout=fail)
    assert owned(engine) == []


async def _leave(runtime: IsolatedExecutionRuntime) -> None:
    async with runtime.stream_script(HOLD.encode()) as output:
        async for _ in output:
            break


def test_a_stream_that_is_left_ends_it(runtime: IsolatedExecutionRuntime, engine: Engine) -> None:
    asyncio.run(_leave(runtime))
    assert owned(engine) == []


def test_a_container_that_somebody_removes_ends_the_run(user: User, docker: Engine) -> None:
    with runtime_of(user, docker) as runtime:

        def remove(text: str) -> None:
            for name in owned(docker):
                docker.remove(name)

        try:
            result = runtime.run_script(HOLD.encode(), on_stdout=remove, check=False)
        except GroundupError as error:
            assert "container" in str(error)
        else:
            assert result.exit_code == 137
    assert owned(docker) == []


def test_what_a_run_leaves_behind_ends_with_it(runtime: IsolatedExecutionRuntime, engine: Engine) -> None:
    source = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
print("there")
"""
    assert runtime.run_script(source.encode(), timeout=60).stdout == "there\n"
    assert owned(engine) == []


@pytest.mark.parametrize("way", ["leave", "exit"])
def test_a_runtime_that_is_not_closed_leaves_nothing(way: str, user: User, docker: Engine) -> None:
    """Containers that are kept ready are there until the process ends."""
    share_facts(user)
    source = f"""
import os, sys, time
from groundup.execution.container import IsolatedExecutionRuntime
runtime = IsolatedExecutionRuntime({TAG!r}, pull="never", warm=2)
runtime.run_script(b"print(1)")
while len(runtime._engine.api.containers(all=True, filters={{"label": f"groundup.pid={{os.getpid()}}"}})) < 2:
    time.sleep(0.05)
print("ready", flush=True)
{"os._exit(0)" if way == "exit" else ""}
"""
    with Background([sys.executable, "-c", source], env=user.env, cwd=user.home) as background:
        until(lambda: "ready" in background.stdout, "ready containers")
        background.wait()
        gone_within(docker, background.pid, LIMIT)
        assert owned(docker, background.pid) == []


def test_a_forked_child_does_not_end_what_the_parent_runs(user: User, docker: Engine) -> None:
    with runtime_of(user, docker) as runtime:
        children = []

        def fork(text: str) -> None:
            child = os.fork()
            if child == 0:
                os._exit(0)
            children.append(child)
            os.waitpid(child, 0)

        assert runtime.run_script(b"print(1)", on_stdout=fork, timeout=60).exit_code == 0
        assert children
