"""The repository around a folder: where git looks for hooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.errors import GroundupError, UserError
from groundup.states.hooks.repository import NoRepositoryError, Repository
from tests.support.git import git, new_repository
from tests.support.repositories import write


def test_the_usual_place(repo: Path) -> None:
    assert Repository.around(repo) == Repository(repo, repo / ".git", repo / ".git/hooks")


def test_a_folder_inside_belongs_to_the_repository(repo: Path) -> None:
    (repo / "below/deep").mkdir(parents=True)
    assert Repository.around(repo / "below/deep") == Repository.around(repo)


def test_a_folder_that_the_repository_around_ignores_does_not(repo: Path) -> None:
    write(repo, ".gitignore", "scratch/\n")
    (repo / "scratch/client").mkdir(parents=True)
    with pytest.raises(NoRepositoryError, match=f"is ignored by the git repository {repo}"):
        Repository.around(repo / "scratch/client")


def test_a_linked_worktree_has_the_hooks_of_its_repository(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    assert (tmp_path / "linked/.git").is_file()
    found = Repository.around(tmp_path / "linked")
    assert found == Repository(tmp_path / "linked", repo / ".git", repo / ".git/hooks")


def test_a_submodule_has_hooks_of_its_own(repo: Path, tmp_path: Path) -> None:
    other = new_repository(tmp_path / "other")
    git(repo, "submodule", "--quiet", "add", str(other), "part")
    assert (repo / "part/.git").is_file()
    own = repo / ".git/modules/part"
    assert Repository.around(repo / "part") == Repository(repo / "part", own, own / "hooks")


@pytest.mark.parametrize("value", [".githooks", "{repo}/.githooks"])
def test_hooks_are_where_the_configuration_says(repo: Path, value: str) -> None:
    git(repo, "config", "core.hooksPath", value.format(repo=repo))
    (repo / "below").mkdir()
    assert Repository.around(repo).hooks == repo / ".githooks"
    assert Repository.around(repo / "below").hooks == repo / ".githooks"


def test_a_folder_elsewhere_is_taken_when_it_is_configured_for_this_repository(
    repo: Path, tmp_path: Path
) -> None:
    git(repo, "config", "core.hooksPath", str(tmp_path / "elsewhere"))
    assert Repository.around(repo).hooks == tmp_path / "elsewhere"


def test_a_folder_for_all_repositories_is_refused(repo: Path, home: Path) -> None:
    git(repo, "config", "--global", "core.hooksPath", str(home / "hooks"))
    with pytest.raises(UserError, match=f"core.hooksPath is {home}/hooks for all repositories") as caught:
        Repository.around(repo)
    command = caught.value.hint.partition(": git ")[2].replace(str(repo), ".")
    git(repo, *command.split())
    assert Repository.around(repo).hooks == repo / ".git/hooks"


def test_a_relative_folder_for_all_repositories_is_in_this_one(repo: Path) -> None:
    git(repo, "config", "--global", "core.hooksPath", ".githooks")
    assert Repository.around(repo).hooks == repo / ".githooks"


def test_variables_of_another_repository_change_nothing(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert Repository.around(repo).top == repo


def test_outside_of_repositories_there_is_none(tmp_path: Path, home: Path) -> None:
    with pytest.raises(NoRepositoryError, match=f"no git repository at {tmp_path}"):
        Repository.around(tmp_path)


def test_without_git_there_is_none(repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoRepositoryError, match="git is not installed"):
        Repository.around(repo)


def test_a_broken_worktree_is_an_error_that_names_it(repo: Path) -> None:
    write(repo, "broken/.git", "gitdir: /nowhere\n")
    with pytest.raises(GroundupError, match=r"git rev-parse failed in .*broken: fatal: .*/nowhere") as caught:
        Repository.around(repo / "broken")
    assert not isinstance(caught.value, NoRepositoryError)


def test_a_repository_without_a_working_tree_is_an_error(repo: Path) -> None:
    with pytest.raises(GroundupError, match="must be run in a work tree"):
        Repository.around(repo / ".git")
