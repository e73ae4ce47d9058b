"""The state `gitignore_entries`: what is written stays out of commits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from groundup.config import Config
from groundup.config.gitignore import COMMENT, IGNORED
from groundup.dag import Outcome, ParamsError, Runner, StateFailedError, Status
from groundup.dag.uptodate import Tracker
from groundup.states import builtin_graph
from tests.support.git import git


def reach(config: Config, **params: Any) -> Outcome:
    with (
        Tracker(config.root, config.data) as tracker,
        Runner(
            builtin_graph(),
            overrides={"config": config},
            params={"gitignore_entries": params},
            tracker=tracker,
        ) as runner,
    ):
        report = runner.reach("gitignore_entries")
        report.raise_for_failure()
        return report.outcomes[-1]


def test_git_sees_nothing_of_what_groundup_writes(repo: Path, config: Config) -> None:
    outcome = reach(config, entries=["dist/", "*.log"])
    assert outcome.value == f"added {', '.join([*IGNORED, 'dist/', '*.log'])}"
    for name in (".venv/x", ".groundup/state.db", "dist/x", "run.log"):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).touch()
    assert git(repo, "status", "--short", "--untracked-files=all") == "?? .gitignore\n"


def test_it_runs_until_all_are_there_and_never_twice(repo: Path, config: Config) -> None:
    assert [reach(config).status for _ in range(2)] == [Status.CHANGED, Status.SKIPPED]
    before = (repo / ".gitignore").read_text()
    assert reach(config, entries=["dist/"]).value == "added dist/"
    assert (repo / ".gitignore").read_text() == f"{before}dist/\n"
    (repo / ".gitignore").write_text(f"*.pyc\n{before}")
    assert reach(config, entries=["dist/"]).value == "added dist/"
    assert reach(config, entries=["dist/"]).status is Status.SKIPPED


def test_a_line_that_a_person_removed_comes_back(repo: Path, config: Config) -> None:
    reach(config)
    text = (repo / ".gitignore").read_text()
    (repo / ".gitignore").write_text(text.replace(".groundup/\n", ""))
    assert reach(config).value == "added .groundup/"


def test_what_is_there_is_enough_without_any_record(repo: Path, config: Config) -> None:
    (repo / ".gitignore").write_text("\n".join(IGNORED))
    assert reach(config).status is Status.SKIPPED
    assert (repo / ".gitignore").read_text() == "\n".join(IGNORED)


def test_the_environments_folder_is_the_configured_one(repo: Path) -> None:
    reach(Config(root=repo, venv=repo / "build/env"))
    assert (repo / ".gitignore").read_text() == (
        f"{COMMENT}\n/build/env/\n/build/env.lock\n/build/env.old/\n/build/env.auth/\n/build/env.tmp/\n"
        ".groundup/\n"
    )


@pytest.mark.parametrize("entries", ["dist/", [""], ["a\nb"], [1]])
def test_entries_that_are_no_lines_are_refused(config: Config, entries: object) -> None:
    with pytest.raises(ParamsError, match="entries"):
        reach(config, entries=entries)


def test_what_cannot_be_read_fails_the_state(repo: Path, config: Config) -> None:
    (repo / ".gitignore").mkdir()
    with pytest.raises(StateFailedError, match="cannot be read"):
        reach(config)
