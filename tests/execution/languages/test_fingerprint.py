"""Fingerprints of folders."""

from collections.abc import Callable
from pathlib import Path

import pytest

from groundup.execution.languages.fingerprint import folder_key, matching_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    (folder / "vendor/deep").mkdir(parents=True)
    (folder / "requirements.txt").write_text("alpha")
    (folder / "vendor/deep/a.whl").write_text("a")
    (folder / "main.py").write_text("print()")
    (folder / "link").symlink_to("main.py")
    return folder


def change_content(folder: Path) -> None:
    (folder / "vendor/deep/a.whl").write_text("b")


def change_name(folder: Path) -> None:
    (folder / "vendor/deep/a.whl").rename(folder / "vendor/a.whl")


def change_mode(folder: Path) -> None:
    (folder / "vendor/deep/a.whl").chmod(0o755)


def add(folder: Path) -> None:
    (folder / "vendor/b.whl").write_text("")


def remove(folder: Path) -> None:
    (folder / "requirements.txt").unlink()


@pytest.mark.parametrize("change", [change_content, change_name, change_mode, add, remove])
def test_every_change_is_seen(folder: Path, change: Callable[[Path], None]) -> None:
    patterns = ["*.txt", "vendor"]
    before = folder_key(folder), matching_key(folder, patterns)
    assert (folder_key(folder), matching_key(folder, patterns)) == before
    change(folder)
    after = folder_key(folder), matching_key(folder, patterns)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_what_no_pattern_names_does_not_count(folder: Path) -> None:
    before = matching_key(folder, ["*.txt", "vendor"])
    (folder / "main.py").write_text("changed")
    assert matching_key(folder, ["*.txt", "vendor"]) == before
    assert matching_key(folder, ["*"]) != before


def test_what_python_and_git_leave_behind_does_not_count(folder: Path) -> None:
    before = folder_key(folder), matching_key(folder, ["*"])
    for name in ("__pycache__", ".git", "vendor/__pycache__"):
        (folder / name).mkdir()
        (folder / name / "x").write_text("")
    assert (folder_key(folder), matching_key(folder, ["*"])) == before


def test_links_count_by_where_they_lead_and_what_is_there(folder: Path) -> None:
    keys = [folder_key(folder)]
    (folder / "main.py").write_text("changed")
    keys.append(folder_key(folder))
    (folder / "link").unlink()
    (folder / "link").symlink_to("requirements.txt")
    keys.append(folder_key(folder))
    (folder / "link").unlink()
    (folder / "link").symlink_to("missing")
    keys.append(folder_key(folder))
    (folder / "loop").symlink_to(".")
    keys.append(folder_key(folder))
    assert len(set(keys)) == 5


def test_a_moved_folder_has_the_same_fingerprint(folder: Path) -> None:
    before = folder_key(folder), matching_key(folder, ["*"])
    moved = folder.rename(folder.parent / "moved")
    assert (folder_key(moved), matching_key(moved, ["*"])) == before
