"""The state `kernel_current`: the repository's kernel beside the package's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup import proto_kernel
from groundup.config import Config
from groundup.dag import Runner, StateFailedError
from groundup.states import builtin_graph
from groundup.states.kernel import KernelStatus
from tests.support.process import run_kernel
from tests.support.repositories import bare_repository, copy_kernel

OLD = b'#!/usr/bin/env python3\n__version__ = "0.0.1"\n'


def reach(config: Config) -> KernelStatus:
    with Runner(builtin_graph(), overrides={"config": config}) as runner:
        value = runner.reach("kernel_current").value("kernel_current")
    assert isinstance(value, KernelStatus)
    return value


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copy_kernel(tmp_path / "repo").parent


def test_the_same_kernel_is_current(root: Path) -> None:
    status = reach(Config(root=root, venv=root / ".venv"))
    assert (status.is_current, status.hint) == (True, "")
    assert str(status) == f"{proto_kernel.__version__}, as the package's"


def test_another_one_is_told_with_how_to_update_and_stays(root: Path) -> None:
    (root / "proto_kernel.py").write_bytes(OLD)
    status = reach(Config(root=root, venv=root / ".venv"))
    assert (status.is_current, status.version) == (False, "0.0.1")
    assert "`groundup kernel update`" in status.hint
    assert str(root / "proto_kernel.py") in str(status)
    assert (root / "proto_kernel.py").read_bytes() == OLD


def test_a_kernel_that_was_edited_is_another_one(root: Path) -> None:
    with (root / "proto_kernel.py").open("ab") as file:
        file.write(b"# edited\n")
    status = reach(Config(root=root, venv=root / ".venv"))
    assert (status.is_current, status.version) == (False, proto_kernel.__version__)


def test_it_is_the_kernel_that_the_configuration_names(tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo")
    values = json.loads(run_kernel(repo, "config", "--json", check=True).stdout)
    (repo / "proto_kernel.py").rename(repo / "kernel elsewhere.py")
    status = reach(Config.from_values({**values, "kernel": str(repo / "kernel elsewhere.py")}))
    assert (status.path, status.is_current) == (repo / "kernel elsewhere.py", True)


def test_a_kernel_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StateFailedError, match=r"proto_kernel\.py: No such file") as caught:
        reach(Config(root=tmp_path, venv=tmp_path / ".venv"))
    assert "groundup init" in caught.value.hint
