"""The state `git_hooks`: real repositories, whose commits tell which hooks git runs."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from groundup.config import Config
from groundup.dag import Outcome, Runner, StateFailedError, StateGraph, Status
from groundup.dag.uptodate import Tracker
from groundup.states import environment, git_hooks
from groundup.states.hooks.managers import CONFIG
from tests.support.git import commit, git, new_repository, saying
from tests.support.repositories import write

GRAPH = StateGraph.from_modules(environment, git_hooks)
HOOK = Path("hooks/pre-commit")
INSTALLED = Path(".git/hooks/pre-commit")
LOCAL = """
{types}
repos:
- repo: local
  hooks:
  - {{id: say, name: say, entry: echo from the configuration, language: system, always_run: true,
     verbose: true, pass_filenames: false, stages: [{stages}]}}
"""


def reach(config: Config, **params: Any) -> Outcome:
    with (
        Tracker(config.root, config.data) as tracker,
        Runner(GRAPH, overrides={"config": config}, params={"git_hooks": params}, tracker=tracker) as runner,
    ):
        report = runner.reach("git_hooks")
        report.raise_for_failure()
        return report.outcomes[-1]


def refused(config: Config, **params: Any) -> StateFailedError:
    with pytest.raises(StateFailedError) as caught:
        reach(config, **params)
    assert caught.value.exit_code == 2
    return caught.value


def configure(repo: Path, *types: str) -> None:
    listed = f"default_install_hook_types: [{', '.join(types)}]" if types else ""
    stages = ", ".join(types or ("pre-commit",))
    (repo / CONFIG).write_text(LOCAL.format(types=listed, stages=stages))
    git(repo, "add", CONFIG)


def test_git_runs_the_repositorys_hooks(repo: Path, config: Config) -> None:
    write(repo, str(HOOK), saying("checked"))
    write(repo, "hooks/commit-msg", saying("worded"))
    write(repo, "hooks/README.md", "about hooks")
    outcome = reach(config)
    assert str(outcome.value) == "commit-msg, pre-commit in .git/hooks"
    assert commit(repo).splitlines()[:2] == ["checked", "worded"]
    assert not (repo / ".git/hooks/README.md").exists()


def test_nothing_runs_while_they_are_in_place(repo: Path, config: Config) -> None:
    write(repo, str(HOOK), saying("checked"))
    statuses = [reach(config).status for _ in range(3)]
    assert statuses == [Status.CHANGED, Status.SKIPPED, Status.SKIPPED]
    assert str(reach(config).value) == "pre-commit in .git/hooks"


def test_what_is_in_place_is_seen_without_any_record(repo: Path, config: Config) -> None:
    write(repo, str(HOOK), saying("checked"))
    reach(config)
    before = (repo / INSTALLED).stat()
    for record in config.data.glob("*.db*"):
        record.unlink()
    assert reach(config).status is Status.SKIPPED
    assert (repo / INSTALLED).stat().st_ino == before.st_ino


def edit(repo: Path) -> None:
    write(repo, str(HOOK), saying("checked twice"))


def delete(repo: Path) -> None:
    (repo / INSTALLED).unlink()


def take_the_right_to_run(repo: Path) -> None:
    (repo / INSTALLED).chmod(0o644)


def add(repo: Path) -> None:
    write(repo, "hooks/post-commit", saying("committed"))


def lose_all(repo: Path) -> None:
    for path in (repo / ".git/hooks").iterdir():
        path.unlink()
    (repo / ".git/hooks").rmdir()


@pytest.mark.parametrize("change", [edit, delete, take_the_right_to_run, add, lose_all])
def test_a_change_of_a_hook_puts_it_in_place_again(
    repo: Path, config: Config, change: Callable[[Path], None]
) -> None:
    write(repo, str(HOOK), saying("checked"))
    reach(config)
    change(repo)
    assert reach(config).status is not Status.SKIPPED
    for source in (repo / "hooks").iterdir():
        installed = repo / ".git/hooks" / source.name
        assert installed.read_bytes() == source.read_bytes()
        assert os.access(installed, os.X_OK)
    assert reach(config).status is Status.SKIPPED


def test_a_hook_that_the_repository_no_longer_has_is_removed(repo: Path, config: Config) -> None:
    write(repo, str(HOOK), saying("checked"))
    write(repo, "hooks/commit-msg", saying("worded"))
    reach(config)
    (repo / HOOK).unlink()
    assert str(reach(config).value) == "commit-msg in .git/hooks"
    assert not (repo / INSTALLED).exists()
    (repo / "hooks/commit-msg").unlink()
    assert str(reach(config).value) == "no hooks in hooks/"
    assert "worded" not in commit(repo)


# ── hooks of others ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("foreign", [saying("mine"), ""])
def test_a_hook_that_others_put_there_is_never_replaced(repo: Path, config: Config, foreign: str) -> None:
    write(repo, str(HOOK), saying("checked"))
    write(repo, "hooks/commit-msg", saying("worded"))
    (repo / INSTALLED).write_text(foreign)
    error = refused(config)
    assert f"{repo / INSTALLED} is there, and groundup did not put it there" in str(error)
    assert error.hint == (f"to keep what it does, move it into {repo / HOOK}; then remove {repo / INSTALLED}")
    assert (repo / INSTALLED).read_text() == foreign
    assert not (repo / ".git/hooks/commit-msg").exists()
    (repo / INSTALLED).unlink()
    assert "commit-msg, pre-commit" in str(reach(config).value)


@pytest.mark.parametrize("target", ["nowhere", "/bin/true"])
def test_so_is_a_link(repo: Path, config: Config, target: str) -> None:
    write(repo, str(HOOK), saying("checked"))
    (repo / INSTALLED).symlink_to(target)
    refused(config)
    assert str((repo / INSTALLED).readlink()) == target


def test_a_copy_that_was_edited_in_place_is_not_lost(repo: Path, config: Config) -> None:
    write(repo, str(HOOK), saying("checked"))
    reach(config)
    (repo / INSTALLED).write_text(saying("edited"))
    refused(config)
    assert (repo / INSTALLED).read_text() == saying("edited")


def test_the_same_hook_put_there_by_hand_becomes_groundups_own(repo: Path, config: Config) -> None:
    write(repo, str(HOOK), saying("checked"))
    (repo / INSTALLED).write_text(saying("checked"))
    reach(config)
    edit(repo)
    reach(config)
    assert "checked twice" in commit(repo)


def test_other_hooks_and_samples_stay(repo: Path, config: Config) -> None:
    (repo / ".git/hooks/post-commit").write_text(saying("theirs"))
    (repo / ".git/hooks/post-commit").chmod(0o755)
    write(repo, str(HOOK), saying("checked"))
    reach(config)
    (repo / HOOK).unlink()
    reach(config)
    assert "theirs" in commit(repo)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"hooks/pre-commit": 1}', '{"hooks/pre-commit": {}}'])
def test_a_damaged_record_makes_nothing_groundups_own(repo: Path, config: Config, damage: str) -> None:
    write(repo, str(HOOK), saying("checked"))
    reach(config)
    (repo / ".git/groundup-hooks.json").write_text(damage)
    assert str(reach(config).value) == "pre-commit in .git/hooks"
    (repo / ".git/groundup-hooks.json").write_text(damage)
    edit(repo)
    refused(config)


# ── where hooks are ──────────────────────────────────────────────────────────────────────────────────


def test_without_a_repository_it_says_so(tmp_path: Path, home: Path) -> None:
    root = tmp_path / "plain"
    write(root, str(HOOK), saying("checked"))
    config = Config(root=root, venv=root / ".venv")
    for _ in range(2):
        assert str(reach(config).value) == f"no git repository at {root}"
    new_repository(root)
    assert str(reach(config).value) == "pre-commit in .git/hooks"


def test_without_hooks_it_says_so_and_leaves_nothing(repo: Path, config: Config) -> None:
    before = sorted((repo / ".git").iterdir())
    assert str(reach(config).value) == "no hooks in hooks/"
    assert sorted((repo / ".git").iterdir()) == before


def test_a_linked_worktree_shares_the_hooks(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    write(tmp_path / "linked", str(HOOK), saying("checked"))
    config = Config(root=tmp_path / "linked", venv=tmp_path / ".venv")
    assert str(reach(config).value) == f"pre-commit in {repo / '.git/hooks'}"
    assert reach(config).status is Status.SKIPPED
    assert "checked" in commit(tmp_path / "linked")


def test_a_submodule_has_its_own(repo: Path, tmp_path: Path) -> None:
    git(repo, "submodule", "--quiet", "add", str(new_repository(tmp_path / "other")), "part")
    write(repo / "part", str(HOOK), saying("checked"))
    reach(Config(root=repo / "part", venv=tmp_path / ".venv"))
    assert "checked" in commit(repo / "part")
    assert "checked" not in commit(repo)


def test_a_configured_folder_is_respected(repo: Path, config: Config) -> None:
    git(repo, "config", "core.hooksPath", ".githooks")
    write(repo, str(HOOK), saying("checked"))
    assert str(reach(config).value) == "pre-commit in .githooks"
    assert not (repo / INSTALLED).exists()
    assert "checked" in commit(repo)


def test_a_folder_from_which_git_runs_hooks_is_left_alone(repo: Path, config: Config) -> None:
    git(repo, "config", "core.hooksPath", "hooks")
    write(repo, str(HOOK), saying("checked"))
    assert str(reach(config).value) == "git runs hooks/ itself"
    assert sorted(path.name for path in (repo / "hooks").iterdir()) == ["pre-commit"]


def test_a_root_below_the_top_has_its_hooks_run(repo: Path) -> None:
    write(repo, "part/hooks/pre-commit", saying("checked"))
    reach(Config(root=repo / "part", venv=repo / ".venv"))
    assert "checked" in commit(repo)


def test_the_folder_of_hooks_can_be_another(repo: Path, config: Config) -> None:
    write(repo, "tools/hooks/pre-commit", saying("checked"))
    reach(config, folder="tools/hooks")
    assert "checked" in commit(repo)
    assert reach(config, folder="tools/hooks").status is Status.SKIPPED
    write(repo, "tools/hooks/pre-commit", saying("checked twice"))
    reach(config, folder="tools/hooks")
    assert "checked twice" in commit(repo)
    assert f"there is no {repo / 'nowhere'}" in str(refused(config, folder="nowhere"))


def test_inside_a_hook_it_is_about_its_own_repository(
    repo: Path, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repo, str(HOOK), saying("checked"))
    monkeypatch.setenv("GIT_DIR", str(new_repository(tmp_path / "other") / ".git"))
    reach(config)
    assert (repo / INSTALLED).exists()
    assert not (tmp_path / "other" / INSTALLED).exists()


# ── managers ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("venv", "name"), [("prek", "prek"), ("pre-commit", "pre-commit"), ("both", "prek")])
def test_a_manager_installs_what_is_configured(
    venvs: Mapping[str, Path], repo: Path, venv: str, name: str
) -> None:
    config = Config(root=repo, venv=venvs[venv])
    configure(repo, "pre-commit", "commit-msg")
    write(repo, "hooks/post-commit", saying("committed"))
    assert str(reach(config).value) == f"post-commit, pre-commit, commit-msg by {name} in .git/hooks"
    told = commit(repo)
    assert told.count("from the configuration") == 2
    assert "committed" in told
    assert reach(config).status is Status.SKIPPED
    (repo / ".git/hooks/commit-msg").unlink()
    assert reach(config).status is not Status.SKIPPED
    assert (repo / ".git/hooks/commit-msg").exists()


def test_another_environment_has_its_manager_installed(venvs: Mapping[str, Path], repo: Path) -> None:
    configure(repo)
    reach(Config(root=repo, venv=venvs["prek"]))
    for venv, name in (("both", "prek"), ("pre-commit", "pre-commit")):
        assert f"by {name} " in str(reach(Config(root=repo, venv=venvs[venv])).value)
        assert str(venvs[venv] / "bin") in (repo / INSTALLED).read_text()
    assert commit(repo).count("from the configuration") == 1
    assert not list((repo / ".git/hooks").glob("*.legacy"))


def test_a_manager_takes_the_place_of_a_copy_and_gives_it_back(venvs: Mapping[str, Path], repo: Path) -> None:
    config = Config(root=repo, venv=venvs["prek"])
    write(repo, str(HOOK), saying("checked"))
    reach(config)
    configure(repo)
    conflict = refused(config)
    assert f"{repo / HOOK} and {repo / CONFIG} both want to be the hook pre-commit" in str(conflict)
    (repo / HOOK).unlink()
    reach(config)
    told = commit(repo)
    assert ("from the configuration" in told, "checked" in told) == (True, False)
    write(repo, str(HOOK), saying("checked"))
    reach(config, manager="copy")
    told = commit(repo)
    assert ("from the configuration" in told, "checked" in told) == (False, True)


def test_a_hook_of_others_is_not_given_to_a_manager(venvs: Mapping[str, Path], repo: Path) -> None:
    configure(repo)
    (repo / INSTALLED).write_text(saying("mine"))
    error = refused(Config(root=repo, venv=venvs["prek"]))
    assert str(repo / INSTALLED) in str(error)
    assert f"let {repo / CONFIG} run it" in error.hint
    assert (repo / INSTALLED).read_text() == saying("mine")


@pytest.mark.parametrize("name", ["prek", "pre-commit"])
def test_what_a_person_installed_by_the_same_manager_is_no_hook_of_others(
    venvs: Mapping[str, Path], repo: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(repo)
    git(repo, "-c", f"alias.x=!{venvs['both']}/bin/{name} install", "x")
    reach(Config(root=repo, venv=venvs[name]))
    assert commit(repo).count("from the configuration") == 1


def test_a_configuration_below_the_top_is_named_to_the_manager(venvs: Mapping[str, Path], repo: Path) -> None:
    (repo / "part").mkdir()
    configure(repo / "part")
    for name in ("prek", "pre-commit"):
        reach(Config(root=repo / "part", venv=venvs[name]))
        assert commit(repo).count("from the configuration") == 1


def test_a_manager_that_is_not_there_fails_the_state(repo: Path, config: Config) -> None:
    configure(repo)
    assert "no prek or pre-commit is in the environment or on PATH" in str(refused(config))


def test_a_manager_that_fails_is_told(venvs: Mapping[str, Path], repo: Path) -> None:
    configure(repo)
    git(repo, "config", "core.hooksPath", ".githooks")
    with pytest.raises(StateFailedError, match=r"pre-commit install failed: .*core\.hooksPath"):
        reach(Config(root=repo, venv=venvs["pre-commit"]))
    assert "by prek in .githooks" in str(reach(Config(root=repo, venv=venvs["prek"])).value)


# ── at the same time, and cut off ────────────────────────────────────────────────────────────────────


def test_two_worktrees_at_once_put_all_hooks_in_place(repo: Path, tmp_path: Path) -> None:
    configs = []
    for number in range(4):
        root = tmp_path / f"tree{number}"
        git(repo, "worktree", "add", "--quiet", str(root))
        write(root, str(HOOK), saying("checked"))
        configs.append(Config(root=root, venv=root / ".venv"))
    threads = [threading.Thread(target=reach, args=(config,)) for config in configs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reach(config).status for config in configs] == [Status.SKIPPED] * 4
    assert list(json.loads((repo / ".git/groundup-hooks.json").read_text())) == ["hooks/pre-commit"]


def test_a_copy_that_was_noted_and_not_yet_made_is_made(repo: Path, config: Config) -> None:
    write(repo, str(HOOK), saying("checked"))
    reach(config)
    first = (repo / INSTALLED).read_bytes()
    edit(repo)
    reach(config)
    (repo / INSTALLED).write_bytes(first)  # as after a kill between the note and the copy
    reach(config)
    assert (repo / INSTALLED).read_text() == saying("checked twice")
