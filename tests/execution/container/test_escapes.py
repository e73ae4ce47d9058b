"""No hostile script gets out of a container; what eats resources gets them without its one limit."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from groundup.execution import ExecutionResult
from groundup.execution.container import IsolatedExecutionRuntime
from groundup.execution.container.engine import Engine
from tests.execution.escapes.attack import ESCAPED, STARTED, Attack
from tests.execution.escapes.attacks import ATTACKS, EAT_TOGETHER
from tests.execution.escapes.conftest import home, world
from tests.execution.escapes.world import World, a_world
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
# The engines' filters look at no modes of files, and a container is spared as long as any other program.
OF_THE_SANDBOX = {
    *(OWN_TERMINAL, "be spared when memory runs out"),
    *("leave a program with the caller's rights", "make a program with the caller's rights"),
}
ALL = [each for each in ATTACKS if each.name not in OF_THE_SANDBOX]
# They are about no limit, and leave room for others in the same container.
PATIENT = [each for each in ALL if each.lifted is None and not each.limits and each.name != IN_MEMORY]
ONE_AFTER_THE_OTHER = b"""
import json, os, shutil, subprocess, sys
for number in range(int(sys.argv[2])):
    argv = [sys.executable, "-I", f"/attacks/{number}.py", sys.argv[1]]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    print(json.dumps([number, done.stdout.split(), done.stderr]), flush=True)
    for left in os.scandir("."):
        shutil.rmtree(left) if left.is_dir(follow_symlinks=False) else os.unlink(left)
"""


def settings_for(attack: Attack, **lifted: Any) -> dict[str, Any]:
    """Return the settings of a container in which an attack is let loose."""
    memory = {"memory": "64m"} if attack.name == IN_MEMORY else {}
    seconds = attack.limits.get("cpu_seconds")
    cpu = {"cpu": {"soft": seconds, "hard": seconds}} if seconds else {}
    return {**LIMITED, "ulimits": {**LIMITED_ULIMITS, **cpu}, **memory, **lifted}


@pytest.fixture(scope="module", params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Each engine."""
    with closing(connected(request.param)) as found:
        yield found


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


@pytest.mark.parametrize(
    ("engine", "attack"),
    [*(("docker", each) for each in ALL), *(("podman", each) for each in ALL if each not in PATIENT)],
    indirect=["engine"],
    ids=str,
)
def test_it_is_stopped_in_a_container(attack: Attack, engine: Engine, world: World) -> None:
    assert let_loose(engine, attack, world, settings_for(attack)) == STARTED
    world.check_unharmed()


@pytest.fixture(scope="module")
def together(home: Path) -> Iterator[Mapping[str, tuple[list[str], str]]]:
    """What each of the patient attacks said, all in one container of Podman."""
    with closing(connected("podman")) as podman, TemporaryDirectory(dir="/var/tmp") as folder:
        attacks = Path(folder, "attacks")
        attacks.mkdir(mode=0o755)
        Path(folder).chmod(0o755)
        for number, each in enumerate(PATIENT):
            (attacks / f"{number}.py").write_bytes(each.script)
        (Path(folder) / "world").mkdir()
        mounts = [{"source": attacks, "target": "/attacks"}]
        with (
            a_world(home, Path(folder) / "world") as world,
            IsolatedExecutionRuntime(TAG, engine=podman.url, pull="never", mounts=mounts) as runtime,
        ):
            result = runtime.run_script(ONE_AFTER_THE_OTHER, world.told, str(len(PATIENT)), timeout=600)
            world.check_unharmed()
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        yield {PATIENT[number].name: (said, words) for number, said, words in lines}


@pytest.mark.parametrize("attack", PATIENT, ids=str)
def test_it_is_stopped_among_others_by_podman(
    attack: Attack, together: Mapping[str, tuple[list[str], str]]
) -> None:
    said, words = together[attack.name]
    assert said == [STARTED], words


@pytest.mark.parametrize(
    ("engine", "attack"),
    [("docker", each) for each in ALL if each.lifted is None],
    indirect=["engine"],
    ids=str,
)
def test_it_is_stopped_in_a_folder_of_the_caller(attack: Attack, engine: Engine, world: World) -> None:
    assert let_loose(engine, attack, world, settings_for(attack), cwd=world.work) == STARTED
    world.check_unharmed()
    assert {path.lstat().st_uid for path in (world.work, *world.work.rglob("*"))} == {os.getuid()}


@pytest.mark.parametrize(
    "attack",
    [each for each in ALL if each.lifted is not None or each.name == IN_MEMORY],
    ids=str,
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
