"""Two users of one machine: a shared cache, a checkout where the other one ran, a home that is not theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kernel.fetching import fresh_user, real_wheels
from tests.support.errors import told
from tests.support.index import IndexServer
from tests.support.process import describe, run, run_kernel
from tests.support.repositories import bare_repository
from tests.support.requirements import require
from tests.support.trees import walk

OTHER = 65534  # nobody
AS_OTHER = ("setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups")
PYTHON = shutil.which("python3", path="/usr/bin:/bin")  # one that every user can run


@dataclass(frozen=True)
class Shared:
    """A folder that both users can enter, and a `GROUNDUP_HOME` in it that root has filled."""

    folder: Path
    home: Path

    def kernel(self, repo: Path, *args: str, **extra: str | None) -> subprocess.CompletedProcess[str]:
        """Run the kernel of `repo` as the other user, offline."""
        own = self.folder / "other"
        env = fresh_user(own, GROUNDUP_HOME=str(self.home), GROUNDUP_OFFLINE="1")
        env |= {"UV_CACHE_DIR": str(own / "uv"), "UV_PYTHON_INSTALL_DIR": str(own / "python")}
        give(own)
        env = {name: value for name, value in {**env, **extra}.items() if value and name != "PYENV_ROOT"}
        return run([*AS_OTHER, str(PYTHON), str(repo / "proto_kernel.py"), *args], env=env, cwd=repo)


def give(folder: Path) -> None:
    """Make all of a folder the other user's."""
    for path in walk(folder):
        os.chown(path, OTHER, OTHER, follow_symlinks=False)


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    require(os.geteuid() == 0 and shutil.which("setpriv") and PYTHON, "root, setpriv and a Python for all")
    with tempfile.TemporaryDirectory() as name, IndexServer(real_wheels()) as server:
        folder = Path(name)
        folder.chmod(0o755)
        repo = bare_repository(folder / "first")
        env = fresh_user(folder / "root", UV_DEFAULT_INDEX=server.url, GROUNDUP_HOME=str(folder / "shared"))
        run_kernel(repo, "boot", env=env, check=True)
        yield Shared(folder, folder / "shared")


def test_a_cache_that_root_filled_serves_another_user(shared: Shared) -> None:
    repo = bare_repository(shared.folder / "second")
    give(repo)
    for command in ("boot", "reboot", "config"):
        done = shared.kernel(repo, command)
        assert done.returncode == 0, describe(done)


def test_a_cache_that_another_user_filled_does_not_serve_root(shared: Shared) -> None:
    theirs = shared.folder / "theirs"
    shutil.copytree(shared.home, theirs)
    give(theirs)
    repo = bare_repository(shared.folder / "roots")
    env = fresh_user(shared.folder / "root", GROUNDUP_HOME=str(theirs), GROUNDUP_OFFLINE="1")
    error, hint = told(run_kernel(repo, "boot", env=env), 1)
    assert str(theirs) in error
    assert "GROUNDUP_HOME" in hint


def test_what_root_left_in_an_environment_is_named_and_stays_so(shared: Shared) -> None:
    repo = bare_repository(shared.folder / "third")
    give(repo)
    assert shared.kernel(repo, "boot").returncode == 0
    os.chown(repo / ".venv", 0, 0)
    for path in walk(repo / ".venv"):
        os.chown(path, 0, 0, follow_symlinks=False)
    (repo / ".venv/groundup-stamp").unlink()
    answers = [shared.kernel(repo, "reboot") for _ in range(3)]
    for done in answers[1:]:
        if done.returncode:
            assert str(repo / ".venv") in told(done, 1).error
    give(repo)
    done = shared.kernel(repo, "run", "echo", "healed")
    assert (done.returncode, done.stdout) == (0, "healed\n"), describe(done)


def test_a_home_that_is_not_writable_is_an_error_with_the_way_out(shared: Shared) -> None:
    repo = bare_repository(shared.folder / "fourth")
    give(repo)
    home = shared.folder / "locked"
    home.mkdir()
    done = shared.kernel(repo, "boot", HOME=str(home), GROUNDUP_HOME=None, GROUNDUP_OFFLINE=None)
    error, hint = told(done, 1)
    assert str(home) in error and "Permission denied" in error
    assert "GROUNDUP_HOME" in hint
