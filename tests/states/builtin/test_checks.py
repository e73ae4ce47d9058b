"""`doctor` and the checks that it needs, and those that clients add."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from groundup.config import Config
from groundup.dag import ParamsError, Report, Runner, StateGraph, Status, state
from groundup.dag.errors import describe
from groundup.states import builtin_graph
from groundup.states.checks import checks
from tests.support.git import new_repository
from tests.support.repositories import copy_kernel, write

BUILT_IN = ["kernel_current", "check_git", "check_disk_space", "system_checks"]


def reach(config: Config, name: str = "doctor", **params: Any) -> Report:
    values = {"config": config}
    with Runner(builtin_graph(), overrides=values, params=params, keep_going=True) as runner:
        return runner.reach(name)


def failures(report: Report) -> Mapping[str, str]:
    return {outcome.state.name: describe(outcome.error) for outcome in report.failures if outcome.error}


@pytest.fixture
def healthy(config: Config) -> Config:
    """A repository that has its kernel."""
    copy_kernel(config.root)
    return config


def test_a_machine_and_a_repository_as_they_should_be_pass(healthy: Config) -> None:
    report = reach(healthy, system_checks={"commands": [{"name": "git", "min_version": "2.0"}]})
    assert report.value("doctor") == "all checks passed"
    assert report.value("check_git") == str(healthy.root)
    assert report.value("system_checks").startswith("git 2.")
    assert "GB free in" in report.value("check_disk_space")


def test_nothing_is_changed(healthy: Config) -> None:
    before = sorted(path.relative_to(healthy.root) for path in healthy.root.rglob("*"))
    reach(healthy)
    assert sorted(path.relative_to(healthy.root) for path in healthy.root.rglob("*")) == before


def test_every_failure_is_told_at_once(
    healthy: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    report = reach(
        healthy,
        system_checks={"commands": [{"name": "git"}, {"name": "jq", "min_version": "1.6"}]},
        check_disk_space={"min_free_mb": 10**12},
    )
    told = failures(report)
    assert told["check_git"] == f"{healthy.root} is a git repository, and git is not installed"
    assert "git is not on PATH: install git" in told["system_checks"]
    assert "jq is not on PATH, and 1.6 or newer is needed: install jq" in told["system_checks"]
    assert f"{10**12} MB are needed" in told["check_disk_space"]
    statuses = {outcome.state.name: outcome.status for outcome in report.outcomes}
    assert (statuses["kernel_current"], statuses["doctor"]) == (Status.OK, Status.NOT_RUN)


def test_who_needs_no_git_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    config = Config(root=copy_kernel(tmp_path / "plain").parent, venv=tmp_path / ".venv")
    assert reach(config).value("check_git") == f"no git repository at {config.root}"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert reach(config).value("check_git") == "git is not installed"


def test_a_repository_that_git_refuses_is_told(repo: Path, config: Config) -> None:
    write(repo, "part/.git", "gitdir: /nowhere\n")
    report = reach(Config(root=repo / "part", venv=config.venv), "check_git")
    assert "git rev-parse failed" in failures(report)["check_git"]


def test_without_configured_commands_there_is_nothing_to_check(config: Config) -> None:
    assert reach(config, "system_checks").value("system_checks") == "no commands are configured"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ({}, "name is missing"),
        ({"name": " "}, "at least 1 character"),
        ({"name": "git", "min_version": "new"}, "not a version, such as 2.30"),
        ({"name": "git", "min": "2"}, "min"),
    ],
)
def test_a_command_that_is_described_wrongly_is_refused(
    config: Config, command: dict[str, str], message: str
) -> None:
    with pytest.raises(ParamsError, match=message):
        reach(config, "system_checks", system_checks={"commands": [command]})


def test_space_is_checked_where_the_cache_will_be(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Path("/dev/shm")  # noqa: S108 - another disk than that of the repository
    if not os.access(shared, os.W_OK) or shared.stat().st_dev == config.root.stat().st_dev:
        pytest.skip("no second disk")
    monkeypatch.setenv("GROUNDUP_HOME", str(shared / "groundup-not-there"))
    lines = reach(config, "check_disk_space").value("check_disk_space").splitlines()
    assert [line.partition(" in ")[2] for line in lines] == [
        str(config.root),
        str(shared / "groundup-not-there/cache"),
    ]


@state
def check_coffee() -> None:
    """There is coffee."""


@state
def coffee(check_coffee: None) -> str:
    return "hot"


def test_the_checks_are_what_doctor_needs() -> None:
    assert [check.name for check in checks(builtin_graph())] == BUILT_IN


def test_checks_of_clients_are_found_by_their_name() -> None:
    graph = StateGraph([*builtin_graph(), check_coffee, coffee])
    assert [check.name for check in checks(graph)] == [*BUILT_IN, "check_coffee"]


def test_a_client_replaces_a_check_or_adds_to_doctor() -> None:
    @state(replaces="check_git")
    def no_git(replaced: str) -> str:
        return f"{replaced}, or not"

    @state(replaces="doctor", needs=["replaced", "coffee"])
    def thorough() -> str:
        return "more checks passed"

    graph = StateGraph([*builtin_graph(), coffee, check_coffee, no_git, thorough])
    assert sorted(check.name for check in checks(graph)) == sorted([*BUILT_IN, "check_coffee", "coffee"])
    assert graph["check_git"].function is no_git.function


def test_a_graph_without_doctor_has_its_own_checks() -> None:
    assert [check.name for check in checks(StateGraph([check_coffee, coffee]))] == ["check_coffee"]


def test_outside_of_a_repository_doctor_passes_too(tmp_path: Path, home: Path) -> None:
    root = copy_kernel(new_repository(tmp_path / "outer") / "inner").parent
    assert reach(Config(root=root, venv=root / ".venv")).ok
