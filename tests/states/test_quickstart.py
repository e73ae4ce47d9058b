"""The quickstart's states, evaluated for real: uv, a process, SQLite, HTTP on loopback."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from groundup.config import Config
from groundup.dag import Report, Runner, StateFailedError
from groundup.projects import get_project
from groundup.states import builtin_graph
from groundup.states.quickstart import EXAMPLE, PROJECT
from groundup.states.quickstart_nodes import Measure
from tests.support.repositories import write
from tests.support.session import session_folder

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The configuration of a repository that has the example, of a user without projects."""
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UV_CACHE_DIR", str(session_folder() / "uv"))
    root = tmp_path / "repo"
    (root / EXAMPLE).parent.mkdir(parents=True)
    shutil.copy(CHECKOUT / EXAMPLE, root / EXAMPLE)
    return Config(root=root, venv=root / ".venv")


def reach(name: str, config: Config, **overrides: Any) -> Report:
    with Runner(builtin_graph(), overrides={"config": config, **overrides}) as runner:
        return runner.reach(name)


def test_it_goes_from_the_script_to_the_result_of_the_flow(config: Config) -> None:
    report = reach("quickstart", config)
    project = report.value("quickstart_project").project
    assert (project.id, project.script.read_bytes()) == (PROJECT, (CHECKOUT / EXAMPLE).read_bytes())
    run = report.value("quickstart_run")
    lines = run.stdout.splitlines()
    assert lines[0].startswith("Python 3.")
    flow = report.value("quickstart_flow")
    assert flow.executed == ("Measure SUCCESS", "Tell SUCCESS")
    assert flow.sentence == f"{len(lines)} lines, the longest: {max(lines, key=len)}"
    assert report.value("quickstart") == f"project {PROJECT} wrote {flow.sentence}"


def test_the_manager_keeps_the_run_in_the_repository_and_ends_with_it(config: Config) -> None:
    with Runner(builtin_graph(), overrides={"config": config}) as runner:
        report = runner.reach("quickstart")
        manager, run_id = report.value("quickstart_manager"), report.value("quickstart_flow").run_id
        address = (urlsplit(manager.uri).hostname, urlsplit(manager.uri).port)
        assert address[0] == "127.0.0.1"
        socket.create_connection(address).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address).close()
    database = sqlite3.connect(config.root / ".groundup/quickstart.db")
    try:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        dump = "\n".join(database.iterdump())
    finally:
        database.close()
    assert tables
    assert run_id in dump


def test_the_key_of_the_manager_is_not_shown(config: Config) -> None:
    manager = reach("quickstart_manager", config, quickstart_run=None).value("quickstart_manager")
    assert manager.key
    assert manager.key not in str(manager)


def test_the_project_is_made_once(config: Config) -> None:
    first = reach("quickstart_project", config).value("quickstart_project")
    second = reach("quickstart_project", config).value("quickstart_project")
    assert (first.is_new, second.is_new) == (True, False)
    assert str(first) == f"made: {first.project.path}"
    assert str(second) == f"made before: {first.project.path}"


def test_a_changed_script_makes_the_project_anew(config: Config) -> None:
    write(config.root, str(EXAMPLE), "print('one')\n")
    reach("quickstart_project", config)
    write(config.root, str(EXAMPLE), "print('two')\n")
    assert reach("quickstart_run", config).value("quickstart_run").stdout == "two\n"


def test_a_project_whose_python_is_gone_is_made_anew(config: Config) -> None:
    write(config.root, str(EXAMPLE), "print('one')\n")
    reach("quickstart_project", config)
    get_project(PROJECT).python.unlink()
    assert reach("quickstart_run", config).value("quickstart_run").stdout == "one\n"


def test_without_the_example_it_says_where_it_should_be(config: Config) -> None:
    (config.root / EXAMPLE).unlink()
    with pytest.raises(StateFailedError, match=f"the example {config.root / EXAMPLE} is not there") as caught:
        reach("quickstart", config).raise_for_failure()
    assert (caught.value.exit_code, caught.value.state.name) == (2, "quickstart_project")
    assert caught.value.hint


def test_the_exit_code_of_a_failing_script_is_passed_on(config: Config) -> None:
    write(config.root, str(EXAMPLE), "raise SystemExit(7)\n")
    report = reach("quickstart", config)
    with pytest.raises(StateFailedError) as caught:
        report.raise_for_failure()
    assert (caught.value.exit_code, caught.value.state.name) == (7, "quickstart_run")
    assert [outcome.because for outcome in report.outcomes][-3:] == ["quickstart_run"] * 3


def test_a_failing_node_is_told_with_its_error(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: Measure) -> None:
        raise ValueError("cannot measure")

    monkeypatch.setattr(Measure, "execute", fail)
    write(config.root, str(EXAMPLE), "print('one')\n")
    with pytest.raises(StateFailedError, match=r"run \S+ failed: .*measure ERRORED: .*cannot measure"):
        reach("quickstart", config).raise_for_failure()
