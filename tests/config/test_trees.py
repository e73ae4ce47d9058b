"""Trees of somebody unknown are gone through and removed, whatever they look like."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from groundup.config.trees import remove_tree, walk_tree
from tests.execution.test_other_users import OTHER

DEPTH = 3000  # folders: more than can be open, called or named at once


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder with more folders in each other than anything can name."""
    top = tmp_path / "deep"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("in", dir_fd=here)
        below = os.open("in", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    yield top
    remove_tree(top)


@contextmanager
def as_somebody(folder: Path) -> Iterator[None]:
    """Own a folder, and be somebody whom rights bind, in the block."""
    if os.geteuid() != 0:
        yield
        return
    for descriptor, name in walk_tree(folder):
        os.chown(name, OTHER, OTHER, dir_fd=descriptor, follow_symlinks=False)
    os.seteuid(OTHER)
    try:
        yield
    finally:
        os.seteuid(0)


def test_everything_is_met_once_and_links_are_not_followed(tmp_path: Path) -> None:
    for path in ("one/two/file", "one/other", "three/file"):
        (tmp_path / "top" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "top" / path).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "not this").touch()
    (tmp_path / "top" / "link").symlink_to(tmp_path / "elsewhere")
    met = [os.stat(name, dir_fd=at, follow_symlinks=False).st_ino for at, name in walk_tree(tmp_path / "top")]
    there = [tmp_path / "top", *(tmp_path / "top").rglob("*")]
    assert sorted(met) == sorted(path.lstat().st_ino for path in there)


def test_no_depth_is_too_deep(deep: Path) -> None:
    assert [name for _, name in walk_tree(deep)].count(".") == DEPTH + 1
    remove_tree(deep)
    assert not deep.exists()


def test_rights_are_no_obstacle() -> None:
    with tempfile.TemporaryDirectory() as room:  # which somebody else can enter
        top = Path(room, "top")
        for rights in (0, 0o400, 0o500, 0o200):
            folder = top / oct(rights)
            (folder / "in").mkdir(parents=True)
            (folder / "in" / "file").touch(mode=0)
            (folder / "in").chmod(rights)
            folder.chmod(rights)
        with as_somebody(Path(room)):
            remove_tree(top)
            assert not top.exists()


def test_what_links_lead_to_stays(tmp_path: Path) -> None:
    for name in ("top", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    rights = (tmp_path / "elsewhere").stat().st_mode & 0o777
    (tmp_path / "top" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    remove_tree(tmp_path / "top")
    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "missing")
    assert not (tmp_path / "top").exists()
    assert (tmp_path / "elsewhere" / "file").exists()
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == rights
