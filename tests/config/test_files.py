"""Files appear whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from groundup.config.files import write_whole
from groundup.errors import GroundupError


def test_content_and_mode_are_as_told(tmp_path: Path) -> None:
    path = tmp_path / "script"
    write_whole(path, b"\x00content", mode=0o750)
    assert path.read_bytes() == b"\x00content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_it_replaces_by_rename(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_whole(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_nothing_is_left_behind_when_it_fails(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(GroundupError, match="cannot be written") as caught:
        write_whole(tmp_path / "folder", b"x")
    assert caught.value.hint
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GroundupError, match=r"nowhere/file cannot be written: No such file"):
        write_whole(tmp_path / "nowhere" / "file", b"x")
