"""Entry scripts that call the kernel in unusual ways: from a thread, without a name, for no function."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.kernel.conftest import Ready
from tests.support.errors import told
from tests.support.process import describe, interpreters, run
from tests.support.repositories import repository

APP = """
import os, sys

value = 3

def main():
    print(sys.argv, sys.path[-1], os.environ["VIRTUAL_ENV"])
    return 7
"""
IN_A_THREAD = """
import threading
thread = threading.Thread(target=lambda: proto_kernel.{call}("demo:main"))
thread.start()
thread.join()
"""
OLDEST, NEWEST = next(iter(interpreters())), list(interpreters())[-1]


@pytest.fixture
def client(tmp_path: Path, env: dict[str, str], fetched: None) -> Ready:
    """A cold repository with the function `demo:main`."""
    return Ready(repository(tmp_path / "repo", source=APP), env)


def call(
    client: Ready, code: str, *, env: Mapping[str, str] | None = None, python: Path | None = None
) -> CompletedProcess[str]:
    """Run code that has imported the kernel of a repository, as `python -c` does."""
    code = f"import sys; sys.path.append({str(client.repo)!r}); import proto_kernel\n{code}"
    return run([str(python or sys.executable), "-Bc", code], env=env or client.env, cwd=client.repo.parent)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("function", ["start_app", "boot_env"])
def test_a_thread_may_start_the_app(client: Ready, function: str, version: str) -> None:
    for _ in ("cold", "warm"):
        done = call(client, IN_A_THREAD.format(call=function), python=interpreters()[version])
        assert done.returncode == 7, describe(done)
        assert done.stdout == f"['-c'] {client.repo.parent} {client.repo / '.venv'}\n"


def test_a_process_without_a_name_may_start_it(client: Ready) -> None:
    for _ in ("cold", "warm"):
        done = call(client, "sys.argv.clear(); proto_kernel.start_app('demo:main')")
        assert done.returncode == 7, describe(done)
        assert done.stdout == f"[''] {client.repo.parent} {client.repo / '.venv'}\n"


@pytest.mark.parametrize("function", ["start_app", "boot_env"])
def test_so_may_one_whose_folder_was_removed(client: Ready, function: str) -> None:
    gone = client.repo / "gone"
    for _ in ("cold", "warm"):
        gone.mkdir()
        leave = f"import os; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\n"
        done = call(client, f"{leave}proto_kernel.{function}('demo:main')")
        assert done.returncode == 7, describe(done)
        assert done.stdout.endswith(f" {client.repo / '.venv'}\n")


@pytest.mark.parametrize("place", ["'demo:value'", "'demo:value.real'", "None", "3", "':'"])
def test_what_is_no_function_is_one_clear_error(client: Ready, place: str) -> None:
    error, hint = told(call(client, f"proto_kernel.start_app({place})"), 2)
    assert place.strip("'") in error
    assert "correct it in" in hint


def test_a_name_of_a_configuration_that_is_no_text_is_one_too(client: Ready) -> None:
    error, _ = told(call(client, "proto_kernel.start_app('demo:main', config=3)"), 2)
    assert "groundup.3.toml" in error


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_cold_start_gives_no_cause_for_a_warning(client: Ready, version: str) -> None:
    strict = {**client.env, "PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1", "GROUNDUP_VERBOSE": "-1"}
    done = call(client, "proto_kernel.start_app('demo:main')", env=strict, python=interpreters()[version])
    assert (done.returncode, done.stderr) == (7, ""), describe(done)
