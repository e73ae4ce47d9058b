"""Runs of an ordinary user, who needs a user namespace for a pid namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.execution.containments import ALL_OF_IT
from tests.execution.test_trees import LIMIT
from tests.support.background import Background, until
from tests.support.holding import HOLD, is_held, is_there
from tests.support.requirements import require

OTHER = 65534  # nobody
AS_OTHER = ("setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups")
PYTHON = shutil.which("python3", path="/usr/bin:/bin")  # one that every user can run
RUN = """
import sys
sys.path.append(sys.argv[1])
from pathlib import Path
from groundup.execution.containment import containment
from groundup.execution.process import run_process
argv = [sys.executable, "-I", "-c", *sys.argv[3:]]
ended = run_process(argv, env={}, contained_by=containment(sys.argv[2]))
print(ended.stdout.text(), ended.stderr.text(), ended.exit_code, ended.containment)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the other user, with groundup in it."""
    require(os.geteuid() == 0 and shutil.which("setpriv") and PYTHON, "root, setpriv and a Python for all")
    found = subprocess.run([str(PYTHON), "--version"], capture_output=True, text=True, check=True).stdout
    require(tuple(map(int, found.split()[1].split(".")[:2])) >= (3, 11), "a CPython 3.11 for all")
    with tempfile.TemporaryDirectory() as name:
        source = Path(__file__).parents[2] / "src/groundup"
        shutil.copytree(source, Path(name, "groundup"), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.chown(name, OTHER, OTHER)
        yield Path(name)


@pytest.mark.parametrize("name", ALL_OF_IT)
def test_an_ordinary_user_runs_as_himself(name: str, folder: Path) -> None:
    code = """
import os, sys
print(os.getuid(), os.getgid(), os.stat(".").st_uid)
open("mine", "w").close()
try: open("/etc/shadow")
except PermissionError: print("refused")
sys.exit(3)
"""
    run = [*AS_OTHER, str(PYTHON), "-B", "-c", RUN, str(folder), name, code]
    done = subprocess.run(
        run, capture_output=True, text=True, check=False, cwd=folder, env={"PATH": "/usr/bin"}
    )
    assert done.stderr == ""
    assert done.stdout == f"{OTHER} {OTHER} {OTHER}\nrefused\n  3 {name}\n"
    assert (folder / "mine").stat().st_uid == OTHER


@pytest.mark.parametrize("name", ALL_OF_IT)
def test_a_tree_of_an_ordinary_user_ends_with_its_caller(name: str, folder: Path) -> None:
    lock = folder / "lock"
    code = f"{HOLD}\ndaemon(sys.argv[1])\nwait_for(sys.argv[1])\ntime.sleep(600)"
    run = [*AS_OTHER, str(PYTHON), "-B", "-c", RUN, str(folder), name, code, str(lock)]
    with Background(run, env={"PATH": "/usr/bin:/bin"}, cwd=folder) as background:
        until(partial(is_there, lock), "the daemon")
        background.kill()
        background.wait()
        until(lambda: not is_held(lock), "the end of the daemon", LIMIT)
        assert not is_held(lock)
