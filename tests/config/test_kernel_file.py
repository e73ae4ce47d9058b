"""The kernel file of a repository: found and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.config.kernel_file import PACKAGED, KernelFile, find_kernel
from groundup.errors import UserError
from tests.support.repositories import copy_kernel


def test_the_kernel_is_the_nearest_one_above(tmp_path: Path) -> None:
    outer, inner = copy_kernel(tmp_path), copy_kernel(tmp_path / "inner")
    (tmp_path / "inner/deep").mkdir()
    (tmp_path / "other").mkdir()
    assert find_kernel(tmp_path / "inner/deep") == inner
    assert find_kernel(tmp_path / "other") == outer


def test_the_packages_own_copy_is_no_repositorys_kernel(tmp_path: Path) -> None:
    package = copy_kernel(tmp_path / "groundup").parent
    (package / "__init__.py").touch()
    assert find_kernel(package) is None
    assert find_kernel(PACKAGED.parent) != PACKAGED


def test_a_kernel_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        KernelFile.read(tmp_path / "proto_kernel.py")


def test_a_kernel_without_a_version_has_none(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text("print()\n")
    assert KernelFile.read(tmp_path / "kernel.py").version == ""
