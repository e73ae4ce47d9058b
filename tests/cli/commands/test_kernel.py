"""`groundup kernel status` and `update`: the repository's copy against the package's."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from groundup import proto_kernel
from groundup.config.kernel_file import PACKAGED, KernelFile
from tests.support.neo import Neo
from tests.support.process import run_kernel
from tests.support.repositories import bare_repository

OLD = b'#!/usr/bin/env python3\n__version__ = "0.0.1"\n'


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return bare_repository(tmp_path / "client")


def test_the_same_kernel_is_reported_as_such(neo: Neo, repo: Path) -> None:
    done = neo.run(neo.script("kernel", "status"), cwd=repo, check=True)
    repository, package, verdict = done.stdout.splitlines()
    sha256 = KernelFile.read(PACKAGED).sha256
    assert repository.split() == [
        "repository",
        proto_kernel.__version__,
        sha256,
        str(repo / "proto_kernel.py"),
    ]
    assert package.split() == ["package", proto_kernel.__version__, sha256, str(PACKAGED)]
    assert verdict == "same"


def test_a_different_kernel_gives_exit_code_1(neo: Neo, repo: Path) -> None:
    (repo / "proto_kernel.py").write_bytes(OLD)
    done = neo.run(neo.script("kernel", "status"), cwd=repo)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].split()[1] == "0.0.1"
    assert "kernel update" in done.stdout.splitlines()[2]


def test_the_status_is_data_for_machines(neo: Neo, repo: Path) -> None:
    (repo / "proto_kernel.py").write_bytes(PACKAGED.read_bytes() + b"# changed\n")
    done = neo.run(neo.script("kernel", "status", "--json"), cwd=repo)
    data = json.loads(done.stdout)
    assert (done.returncode, data["same"]) == (1, False)
    assert data["repository"]["version"] == data["package"]["version"] == proto_kernel.__version__
    assert data["repository"]["sha256"] != data["package"]["sha256"]


def test_update_takes_the_packages_kernel_and_keeps_the_mode(neo: Neo, repo: Path) -> None:
    kernel = repo / "proto_kernel.py"
    kernel.write_bytes(OLD)
    kernel.chmod(0o754)
    done = neo.run(neo.script("kernel", "update"), cwd=repo, check=True)
    assert done.stdout == f"{kernel}: 0.0.1 → {proto_kernel.__version__}\n"
    assert kernel.read_bytes() == PACKAGED.read_bytes()
    assert stat.S_IMODE(kernel.stat().st_mode) == 0o754
    assert sorted(path.name for path in repo.iterdir()) == ["groundup.toml", "proto_kernel.py"]


def test_update_of_the_same_kernel_touches_nothing(neo: Neo, repo: Path) -> None:
    before = (repo / "proto_kernel.py").stat()
    done = neo.run(neo.script("kernel", "update"), cwd=repo, check=True)
    after = (repo / "proto_kernel.py").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert "already" in done.stdout


def test_a_kernel_behind_a_link_is_replaced_where_it_stands(neo: Neo, repo: Path, tmp_path: Path) -> None:
    real = tmp_path / "real_kernel.py"
    real.write_bytes(OLD)
    (repo / "proto_kernel.py").unlink()
    (repo / "proto_kernel.py").symlink_to(real)
    neo.run(neo.script("kernel", "update"), cwd=repo, check=True)
    assert (repo / "proto_kernel.py").is_symlink()
    assert real.read_bytes() == PACKAGED.read_bytes()


def test_through_the_kernel_it_is_about_that_kernel_wherever_one_stands(neo: Neo, repo: Path) -> None:
    (repo / "proto_kernel.py").write_bytes(OLD)
    done = run_kernel(neo.repo, "kernel", "status", "--json", env=neo.env, cwd=repo, check=True)
    assert json.loads(done.stdout)["repository"]["path"] == str(neo.repo / "proto_kernel.py")


@pytest.mark.parametrize("command", ["status", "update"])
def test_without_a_kernel_it_is_an_error(neo: Neo, tmp_path: Path, command: str) -> None:
    done = neo.run(neo.script("kernel", command), cwd=tmp_path)
    assert done.returncode == 2
    assert f"error: there is no proto_kernel.py in {tmp_path} or above it" in done.stderr
