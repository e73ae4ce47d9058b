"""Containers that are kept ready: faster, and each for one run all the same."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from groundup.projects import create_project
from tests.support.background import until
from tests.support.containers import owned, runtime_of
from tests.support.users import User


def wait_until_ready(engine: Engine, count: int, used: frozenset[str] = frozenset()) -> set[str]:
    """Wait until containers are ready, none of them `used`, and others are gone; return their names."""

    def are_ready() -> bool:
        ready = running(engine)
        return len(ready) == len(owned(engine)) == count and used.isdisjoint(ready)

    until(are_ready, f"{count} ready containers")
    return set(running(engine))


def running(engine: Engine) -> list[str]:
    filters = {"label": f"groundup.pid={os.getpid()}", "status": "running"}
    return [each["Names"][0].lstrip("/") for each in engine.api.containers(filters=filters)]


def test_a_run_takes_a_container_that_is_ready(user: User, engine: Engine) -> None:
    used: frozenset[str] = frozenset()
    create_project(b"import os, sys; print(os.getpid(), input(), *sys.argv[1:], os.environ['A'])", id="x")
    with runtime_of(user, engine, warm=1) as runtime:
        for number in range(3):
            env = {"A": str(number)}
            result = runtime.run_project("x", "arg", env=env, stdin=f"line{number}\n", timeout=60)
            assert result.stdout.split()[1:] == [f"line{number}", "arg", str(number)]
            used |= wait_until_ready(engine, 1, used)  # another one each time
    assert len(used) == 3
    assert owned(engine) == []


def test_each_runs_one_command_and_keeps_nothing(user: User, docker: Engine) -> None:
    source = b"import os; print(os.listdir('/tmp'), os.listdir()); open('/tmp/a', 'w'); open('b', 'w')"
    with runtime_of(user, docker, warm=1) as runtime:
        for _ in range(3):
            assert runtime.run_script(source).stdout == "[] []\n"
            wait_until_ready(docker, 1)


def test_scripts_and_projects_have_their_own(user: User, docker: Engine) -> None:
    with runtime_of(user, docker, warm=1) as runtime:
        for script in (b"print(1)", b"print(2)"):
            assert runtime.run_script(script).stdout == f"{script[6:7].decode()}\n"
        wait_until_ready(docker, 2)
        assert runtime.run_script(b"print(1)").stdout == "1\n"


def test_more_runs_at_once_than_are_ready(user: User, docker: Engine) -> None:
    with runtime_of(user, docker, warm=1) as runtime, ThreadPoolExecutor(3) as pool:
        found = list(
            pool.map(lambda n: runtime.run_script(b"import sys; print(sys.argv[1])", str(n)), range(3))
        )
        assert [result.stdout for result in found] == ["0\n", "1\n", "2\n"]
    assert owned(docker) == []


def test_those_that_were_not_used_for_long_make_room(user: User, docker: Engine) -> None:
    with runtime_of(user, docker, warm=1) as runtime:
        for number in range(10):
            runtime.run_script(f"print({number})".encode())
        wait_until_ready(docker, 8)
    assert owned(docker) == []


def test_a_timeout_and_an_end_that_is_not_clean(user: User, docker: Engine) -> None:
    with runtime_of(user, docker, warm=1) as runtime:
        source = b"import sys, time; print('there', flush=True); time.sleep(float(sys.argv[1]))"
        assert runtime.run_script(source, "0").exit_code == 0
        wait_until_ready(docker, 1)
        result = runtime.run_script(source, "600", timeout=1, check=False)
        assert (result.phase, result.stdout) == ("timeout", "there\n")
        wait_until_ready(docker, 1)


def test_one_that_somebody_removed_is_no_obstacle_for_long(user: User, docker: Engine) -> None:
    with runtime_of(user, docker, warm=1) as runtime:
        runtime.run_script(b"print(1)")
        for name in wait_until_ready(docker, 1):
            docker.remove(name)
        assert isinstance(runtime, IsolatedExecutionRuntime)
        assert runtime.run_script(b"print(1)").stdout == "1\n"
