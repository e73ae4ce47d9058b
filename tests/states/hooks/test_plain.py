"""Which files of a folder are hooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.states.hooks.plain import NAMES, plain_hooks


def test_files_with_names_of_hooks_are_hooks(tmp_path: Path) -> None:
    for name in ("pre-push", "pre-commit", "README", "README.md", "pre-commit.sample", "check.py", ".keep"):
        (tmp_path / name).touch()
    (tmp_path / "update").mkdir()
    assert plain_hooks(tmp_path) == {name: tmp_path / name for name in ("pre-commit", "pre-push")}


def test_a_hook_that_only_a_newer_git_knows_is_one(tmp_path: Path) -> None:
    (tmp_path / "on-branch-renamed").touch()
    assert list(plain_hooks(tmp_path)) == ["on-branch-renamed"]


def test_without_the_folder_there_are_none(tmp_path: Path) -> None:
    assert plain_hooks(tmp_path / "hooks") == {}


@pytest.mark.parametrize(
    ("name", "meant"),
    [("pre-comit", "pre-commit"), ("precommit", "pre-commit"), ("commit-message", "commit-msg")],
)
def test_a_misspelt_hook_is_told_with_what_was_meant(tmp_path: Path, name: str, meant: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UserError, match=f"{tmp_path / name}: git has no hook named {name}") as caught:
        plain_hooks(tmp_path)
    assert f"did you mean {meant}?" in caught.value.hint


def test_no_hook_of_git_is_taken_for_a_misspelt_one(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).touch()
    assert sorted(plain_hooks(tmp_path)) == sorted(NAMES)
