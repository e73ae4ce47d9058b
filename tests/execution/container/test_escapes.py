"""No hostile script gets out of a container; what eats resources gets them without its one limit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from groundup.execution import ExecutionResult
from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from tests.execution.escapes.attack import ESCAPED, STARTED, Attack
from tests.execution.escapes.attacks import ATTACKS, EAT_TOGETHER
from tests.execution.escapes.conftest import home, world
from tests.execution.escapes.world import World
from tests.support.containers import TAG, connected, owned

__all__ = ["home", "world"]

PATIENCE = 60  # seconds
LIMITED: Mapping[str, Any] = {"memory": "512m", "pids": 128, "file_size": "128m", "work_size": "96m"}
LIMITED_ULIMITS = {"nofile": {"soft": 256, "hard": 256}}
# By the name of the limit that an attack is about: settings under which it gets through.
LIFTED: Mapping[str, Mapping[str, Any]] = {
    "processes": {"pids": 1000},
    "memory": {"memory": "3g"},
    "file_size": {"file_size": "1g"},
    "disk": {"work_size": "1g", "file_size": "1g"},
    "open_files": {"ulimits": {**LIMITED_ULIMITS, "nofile": {"soft": 1024, "hard": 1024}}},
    "cpu_seconds": {"ulimits": LIMITED_ULIMITS},
}
# Files in memory are as good as any other; the memory of a container is their limit.
IN_MEMORY = "keep files in memory"
# It opens a terminal of its own, where the engines' filters let it; the caller's is in no container.
OWN_TERMINAL = "put words into the terminal"
ALL = [each for each in ATTACKS if each.name != OWN_TERMINAL]


def settings_for(attack: Attack, **lifted: Any) -> dict[str, Any]:
    """Return the settings of a container in which an attack is let loose."""
    memory = {"memory": "64m"} if attack.name == IN_MEMORY else {}
    seconds = attack.limits.get("cpu_seconds")
    cpu = {"cpu": {"soft": seconds, "hard": seconds}} if seconds else {}
    return {**LIMITED, "ulimits": {**LIMITED_ULIMITS, **cpu}, **memory, **lifted}


@pytest.fixture(scope="module", params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each engine."""
    found = connected(request.param)
    yield found
    found.close()


def let_loose(engine: Engine, attack: Attack, world: World, settings: dict[str, Any], **options: Any) -> str:
    """Run the attack; return what it said last."""
    with IsolatedExecutionRuntime(TAG, engine=engine.url, pull="never", **settings) as runtime:
        result = runtime.run_script(attack.script, world.told, check=False, timeout=PATIENCE, **options)
    assert owned(engine) == []
    return outcome(result)


def outcome(result: ExecutionResult) -> str:
    assert result.phase == "run"
    lines = result.stdout.split()
    assert lines, f"it did not start: {result.stderr}"
    assert (result.exit_code == 0) == (lines[-1] == ESCAPED)
    return lines[-1]


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
def test_it_is_stopped_in_a_container(attack: Attack, engine: Engine, world: World) -> None:
    assert let_loose(engine, attack, world, settings_for(attack)) == STARTED
    world.check_unharmed()


@pytest.mark.parametrize(
    "attack", [each for each in ALL if each.lifted is None], ids=lambda attack: attack.name
)
def test_it_is_stopped_in_a_folder_of_the_caller(attack: Attack, engine: Engine, world: World) -> None:
    if engine.name == "podman":
        pytest.skip("as with Docker")
    assert let_loose(engine, attack, world, settings_for(attack), cwd=world.work) == STARTED
    world.check_unharmed()
    assert {path.lstat().st_uid for path in (world.work, *world.work.rglob("*"))} == {os.getuid()}


@pytest.mark.parametrize(
    "attack",
    [each for each in ALL if each.lifted is not None or each.name == IN_MEMORY],
    ids=lambda attack: attack.name,
)
def test_it_gets_through_without_that_limit(attack: Attack, engine: Engine, world: World) -> None:
    lifted = LIFTED[attack.lifted or "memory"]
    assert let_loose(engine, attack, world, settings_for(attack, **lifted)) == ESCAPED


def test_there_is_no_terminal_to_put_words_into(engine: Engine, world: World) -> None:
    source = """
import os
print([os.isatty(number) for number in (0, 1, 2)])
try:
    os.open("/dev/tty", os.O_RDWR)
except OSError as error:
    print(error.strerror)
print(os.listdir("/dev/pts"))
"""
    with IsolatedExecutionRuntime(TAG, engine=engine.url, pull="never") as runtime:
        told = runtime.run_script(source.encode()).stdout
    assert told.splitlines()[:2] == ["[False, False, False]", "No such device or address"]
    assert told.splitlines()[2] in ("['ptmx']", "[]")


@pytest.mark.parametrize(("memory", "said"), [("512m", STARTED), ("3g", ESCAPED)])
def test_memory_is_that_of_all_processes_together(
    memory: str, said: str, engine: Engine, world: World
) -> None:
    assert let_loose(engine, EAT_TOGETHER, world, {"memory": memory}) == said
