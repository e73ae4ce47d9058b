"""Free space on disks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from groundup.errors import GroundupError
from groundup.states.system.disk import MB, check_free


def test_each_disk_is_told_once(tmp_path: Path) -> None:
    (found,) = check_free([tmp_path, tmp_path / "not/yet/there"], 0)
    assert found.endswith(f" GB free in {tmp_path}")
    assert float(found.split()[0]) * 1000 <= shutil.disk_usage(tmp_path).total // MB


def test_too_little_is_an_error_that_says_how_much_is_needed(tmp_path: Path) -> None:
    needed = shutil.disk_usage(tmp_path).total // MB + 1
    with pytest.raises(
        GroundupError, match=f"MB are free in {tmp_path}/cache, {needed} MB are needed"
    ) as caught:
        list(check_free([tmp_path / "cache"], needed))
    assert "GROUNDUP_HOME" in caught.value.hint
