"""Mistakes in states of clients, from the words typed to what is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.neo import Neo, neo_repository
from tests.support.process import run_kernel
from tests.support.repositories import write


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Neo:
    return neo_repository(tmp_path_factory.mktemp("mistakes"))


@pytest.fixture
def client(repository: Neo) -> Neo:
    """A repository without states of its own."""
    (repository.repo / "groundup_states.py").unlink(missing_ok=True)
    return repository


CYCLE = """
from groundup import state


@state
def a(b): ...


@state
def b(c): ...


@state
def c(a): ...
"""


@pytest.mark.parametrize("command", [("graph",), ("states",), ("reach", "ready"), ("quickstart",)])
def test_a_cycle_is_told_as_its_path_by_every_command(client: Neo, command: tuple[str, ...]) -> None:
    file = write(client.repo, "groundup_states.py", CYCLE)
    done = client.run(client.module(*command))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: states need each other in a cycle: a ({file}:4) → b ({file}:8) → c ({file}:12) → a\n"
        "hint: take one of these parents out of the parameters or the needs of its child\n"
    )


def test_an_exception_is_told_with_its_line_and_the_traceback_is_in_a_log(client: Neo) -> None:
    file = write(client.repo, "groundup_states.py", "x = 1\nx / 0\n")
    done = client.run(client.module("states"))
    assert done.returncode == 2
    told, hint = done.stderr.splitlines()
    assert told == f"error: {file}:2: ZeroDivisionError: division by zero"
    log = Path(hint.removeprefix("hint: everything about it is in "))
    assert "x / 0" in log.read_text()
    assert log.is_relative_to(client.repo)


def test_the_configuration_is_checked_with_file_and_line(client: Neo) -> None:
    file = client.repo / "groundup.toml"
    before = file.read_text()
    try:
        file.write_text(before + '\n[neo]\nstate = ["tools.states"]\n')
        line = len(file.read_text().splitlines())
        done = run_kernel(client.repo, "graph", env=client.env)
    finally:
        file.write_text(before)
        run_kernel(client.repo, "boot", env=client.env, check=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2:] == [
        f"error: {file}:{line}: unknown key 'neo.state'",
        "hint: did you mean 'states'?",
    ]
