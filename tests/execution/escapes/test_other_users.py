"""No hostile script of an ordinary user gets out of a sandbox either."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execution.escapes.attack import ESCAPED, STARTED, Attack
from tests.execution.escapes.attacks import ATTACKS
from tests.execution.escapes.world import a_world
from tests.execution.test_other_users import AS_OTHER, OTHER, PYTHON
from tests.support.requirements import require

NEEDED = ("filelock", "packaging", "platformdirs", "tomli_w", "groundup")
RUN = """
import json, sys
sys.path.append(sys.argv[1])
from groundup import SandboxExecutionRuntime
told, attacks = json.load(sys.stdin)
for name, script, limits in attacks:
    runtime = SandboxExecutionRuntime(**limits)
    result = runtime.run_script(script.encode(), told, check=False, timeout=60)
    print(json.dumps([name, result.stdout.split(), result.exit_code, result.stderr]), flush=True)
"""


@pytest.fixture(scope="module")
def folder(uv: Path) -> Iterator[Path]:
    """A folder of the other user, with groundup and uv in it."""
    require(os.geteuid() == 0 and shutil.which("setpriv") and PYTHON, "root, setpriv and a Python for all")
    require(shutil.which("bwrap"), "bubblewrap")
    found = subprocess.run([str(PYTHON), "--version"], capture_output=True, text=True, check=True).stdout
    require(tuple(map(int, found.split()[1].split(".")[:2])) >= (3, 11), "a CPython 3.11 for all")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        for package in NEEDED:
            spec = importlib.util.find_spec(package)
            assert spec is not None
            assert spec.origin is not None
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(Path(spec.origin).parent, Path(name, "modules", package), ignore=ignored)
        shutil.copy(uv, Path(name, "uv"))
        for made in ("home", "world"):
            Path(name, made).mkdir()
        shutil.chown(name, OTHER, OTHER)
        yield Path(name)


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> Iterator[dict[str, tuple[list[str], int, str]]]:
    """What each attack said, and its exit code; then those that eat, without their limit."""
    with a_world(folder / "home", folder / "world") as world:
        attacks = [(each.name, each.script.decode(), dict(each.limits)) for each in ATTACKS]
        attacks += [
            (f"{each.name}, lifted", each.script.decode(), lifted(each)) for each in ATTACKS if each.lifted
        ]
        shutil.chown(folder / "home", OTHER, OTHER)
        shutil.chown(world.secret_file, OTHER, OTHER)
        env = {
            "PATH": f"{folder}:/usr/bin:/bin",
            "HOME": str(world.home),
            "GROUNDUP_TEST_SECRET": "secret",
            "GROUNDUP_HOME": str(folder / "groundup"),
        }
        done = subprocess.run(
            [*AS_OTHER, str(PYTHON), "-B", "-c", RUN, str(folder / "modules")],
            input=json.dumps([world.told, attacks]),
            env=env,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        assert world.secret_file.read_text() == "secret"
        assert list(world.outside.iterdir()) == []
        yield {
            name: (said, code, words) for name, said, code, words in map(json.loads, done.stdout.splitlines())
        }


def lifted(attack: Attack) -> dict[str, object]:
    """Return the limits with which it gets through."""
    assert attack.lifted is not None
    return {**attack.limits, attack.lifted: None}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_is_stopped(attack: Attack, outcomes: dict[str, tuple[list[str], int, str]]) -> None:
    said, code, words = outcomes[attack.name]
    assert said[-1:] == [STARTED], words
    assert code != 0


@pytest.mark.parametrize(
    "attack", [each for each in ATTACKS if each.lifted is not None], ids=lambda attack: attack.name
)
def test_it_gets_through_without_that_limit(
    attack: Attack, outcomes: dict[str, tuple[list[str], int, str]]
) -> None:
    said, _, words = outcomes[f"{attack.name}, lifted"]
    assert said[-1:] == [ESCAPED], words
