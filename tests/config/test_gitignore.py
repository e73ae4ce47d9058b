"""Entries of .gitignore: what is missing is added, and nothing else happens to the file."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.config.gitignore import (
    COMMENT,
    IGNORED,
    extend_gitignore,
    ignored_entries,
    missing_entries,
    with_entries,
)
from groundup.errors import GroundupError

LINES = st.lists(st.sampled_from([*IGNORED, ".venv", "!.groundup/", "*.pyc", "", "# note", COMMENT]))
ENTRIES = st.lists(st.sampled_from([*IGNORED, "dist/", "*.log", "!kept.log"]))
ENDS = st.sampled_from(["\n", "\r\n"])


def test_missing_entries_are_added_under_a_comment() -> None:
    assert with_entries("*.pyc\n.venv/\n", IGNORED) == (
        f"*.pyc\n.venv/\n{COMMENT}\n.venv.lock\n.venv.old/\n.venv.auth/\n.venv.tmp/\n.groundup/\n"
    )


def test_an_entry_that_takes_something_out_is_added_once() -> None:
    once = with_entries("*.log\n", ["*.log", "!kept.log"])
    assert once == f"*.log\n{COMMENT}\n!kept.log\n"
    assert with_entries(once, ["*.log", "!kept.log"]) == once


def test_later_entries_join_the_earlier_ones() -> None:
    before = f"*.pyc\n{COMMENT}\n.groundup/\n# mine\nnotes/\n"
    after = with_entries(before, ["dist/"])
    assert after == f"*.pyc\n{COMMENT}\n.groundup/\ndist/\n# mine\nnotes/\n"


@pytest.mark.parametrize("text", ["*.pyc", ""])
def test_an_open_last_line_is_ended(text: str) -> None:
    assert with_entries(text, IGNORED).splitlines()[: text.count("*")] == text.splitlines()


@pytest.mark.parametrize("line", [".venv/", ".venv", ".venv/  ", "!.venv/", "!.venv"])
def test_a_line_that_says_the_same_counts(line: str) -> None:
    assert missing_entries(line, [".venv/"]) == []


@pytest.mark.parametrize("line", ["# .venv/", "x.venv/", ".venv/x", ".venv.lock"])
def test_a_line_that_says_something_else_does_not(line: str) -> None:
    assert missing_entries(line, [".venv/"]) == [".venv/"]


@given(LINES, ENTRIES, ENDS, st.booleans())
def test_all_entries_are_there_once_and_nothing_is_lost(
    lines: list[str], entries: list[str], end: str, ended: bool
) -> None:
    before = end.join(lines) + (end if ended and lines else "")
    after = with_entries(before, entries)
    added = missing_entries(before, entries)
    assert missing_entries(after, entries) == []
    assert with_entries(after, entries) == after
    kept = [line for line in after.splitlines() if line not in {*added, COMMENT}]
    assert kept == [line for line in before.splitlines() if line not in {*added, COMMENT}]
    assert all(after.splitlines().count(entry) == 1 for entry in added)
    assert after.count(COMMENT) == max(before.count(COMMENT), bool(added))
    if "\r\n" in before:
        assert after.count("\n") == after.count("\r\n")


@pytest.mark.parametrize(
    ("venv", "some"),
    [
        (".venv", {".venv/", ".venv.lock", ".groundup/"}),
        ("envs/prod/.venv", {".venv/", ".venv.lock", ".groundup/"}),
        ("build/env", {"/build/env/", "/build/env.lock", "/build/env.auth/", ".groundup/"}),
        ("../elsewhere", {".groundup/"}),
    ],
)
def test_the_entries_are_those_of_the_configured_environment(
    tmp_path: Path, venv: str, some: set[str]
) -> None:
    root = tmp_path / "repo"
    entries = ignored_entries(root, Path(os.path.normpath(root / venv)))
    assert some <= set(entries)
    assert len(entries) == (1 if venv == "../elsewhere" else 6)


@pytest.mark.parametrize("venv", [".venv", "envs/prod/.venv", "build/env"])
def test_git_ignores_what_is_entered(tmp_path: Path, venv: str) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    extend_gitignore(tmp_path / ".gitignore", ignored_entries(tmp_path, tmp_path / venv))
    written = [f"{venv}/x", f"{venv}.lock", f"{venv}.old/x", f"{venv}.auth/x", f"{venv}.tmp/x", ".groundup/x"]
    asked = ["git", "-C", str(tmp_path), "check-ignore", *written]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split() == written


def test_a_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    assert extend_gitignore(tmp_path / ".gitignore", ["a/", "b"]) == ["a/", "b"]
    assert (tmp_path / ".gitignore").read_text() == f"{COMMENT}\na/\nb\n"


def test_bytes_line_ends_and_mode_stay(tmp_path: Path) -> None:
    file = tmp_path / ".gitignore"
    file.write_bytes(b"caf\xe9\r\n*.pyc")
    file.chmod(0o640)
    extend_gitignore(file, ["a/"])
    assert file.read_bytes() == f"caf\udce9\r\n*.pyc\r\n{COMMENT}\r\na/\r\n".encode(
        "utf-8", "surrogateescape"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_file_that_has_all_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / ".gitignore"
    file.write_text("a/\n")
    before = file.stat()
    assert extend_gitignore(file, ["a/"]) == []
    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "shared").write_text("*.pyc\n")
    (tmp_path / ".gitignore").symlink_to("shared")
    extend_gitignore(tmp_path / ".gitignore", ["a/"])
    assert (tmp_path / ".gitignore").is_symlink()
    assert (tmp_path / "shared").read_text() == f"*.pyc\n{COMMENT}\na/\n"


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").mkdir()
    with pytest.raises(GroundupError, match=r"\.gitignore cannot be read: Is a directory"):
        extend_gitignore(tmp_path / ".gitignore", ["a/"])
