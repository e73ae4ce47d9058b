"""Where the kernel's own modules come from: the standard library alone, wherever that stands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.kernel.conftest import Ready
from tests.support.errors import told
from tests.support.process import describe, interpreters, run, run_kernel
from tests.support.repositories import bare_repository, write

OLDEST, NEWEST = next(iter(interpreters())), list(interpreters())[-1]
HIJACKER = "print('hijacked')\nraise SystemExit(9)\n"


def library(python: Path) -> Path:
    """Return the folder of an interpreter's standard library."""
    ask = "import os; print(os.path.dirname(os.__file__))"
    return Path(
        subprocess.run([python, "-Ic", ask], capture_output=True, text=True, check=True).stdout.strip()
    )


def in_removed_folder(
    folder: Path, words: list[str], env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder that is removed just before."""
    (folder / "gone").mkdir()
    return run(["sh", "-c", 'rmdir ../gone; exec "$@"', "sh", *words], env=env, cwd=folder / "gone")


@pytest.mark.parametrize("version", interpreters())
@pytest.mark.parametrize("part", ["", "lib-dynload", "json"])
def test_the_current_folder_may_be_the_librarys_own(ready: Ready, version: str, part: str) -> None:
    python = interpreters()[version]
    done = run_kernel(ready.repo, "config", python=python, env=ready.env, cwd=library(python) / part)
    assert (done.returncode, done.stderr) == (0, ""), describe(done)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("option", ["-B", "-S"])
@pytest.mark.parametrize("end", ["", "/"])
def test_pythonpath_may_name_the_library(ready: Ready, version: str, option: str, end: str) -> None:
    python = interpreters()[version]
    env = {**ready.env, "PYTHONPATH": f"{library(python)}{end}"}
    done = run([str(python), option, str(ready.repo / "proto_kernel.py"), "config"], env=env, cwd=ready.repo)
    assert (done.returncode, done.stderr) == (0, ""), describe(done)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("option", ["-B", "-S"])
@pytest.mark.parametrize("end", ["", "/"])
def test_in_a_removed_folder_pythonpath_does_not_hijack_either(
    tmp_path: Path, env: dict[str, str], version: str, option: str, end: str
) -> None:
    repo = bare_repository(tmp_path / "repo")
    write(tmp_path, "hostile/signal.py", HIJACKER)
    words = [str(interpreters()[version]), option, str(repo / "proto_kernel.py"), "boot"]
    done = in_removed_folder(tmp_path, words, {**env, "PYTHONPATH": f"{tmp_path / 'hostile'}{end}"})
    assert (done.returncode, done.stdout) == (0, ""), describe(done)


@pytest.mark.parametrize("version", interpreters())
def test_a_kernel_that_is_named_from_a_removed_folder_is_an_error(
    tmp_path: Path, env: dict[str, str], version: str
) -> None:
    bare_repository(tmp_path / "repo")
    words = [str(interpreters()[version]), "../repo/proto_kernel.py", "check"]
    error, hint = told(in_removed_folder(tmp_path, words, env), 1)
    assert error == "the current folder was removed"
    assert "change to" in hint


def test_a_failed_call_leaves_the_callers_path_as_it_was(tmp_path: Path, ready: Ready) -> None:
    script = f"""
        import sys
        sys.path[:0] = [{str(tmp_path)!r}, {str(ready.repo)!r}, "relative"]
        import proto_kernel

        before = sys.path[:]
        for call in (proto_kernel.start_app, proto_kernel.boot_env):
            try:
                call("nothing", config="lost")
            except SystemExit as error:
                assert error.code == 2
        assert proto_kernel.main(["--unknown"]) == 2
        assert sys.path == before
    """
    done = run([sys.executable, str(write(tmp_path, "calls.py", script))], env=ready.env, cwd=tmp_path)
    assert done.returncode == 0, describe(done)
