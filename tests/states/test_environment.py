"""The states of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.config import Config
from groundup.dag import Runner, StateFailedError
from groundup.states import builtin_graph


def test_ready_gives_the_environment_of_the_configuration(tmp_path: Path) -> None:
    config = Config(root=tmp_path, venv=tmp_path / ".venv")
    with Runner(builtin_graph(), overrides={"config": config}) as runner:
        assert runner.reach("ready").value("ready") == tmp_path / ".venv"


def test_outside_an_environment_of_a_kernel_nothing_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    with Runner(builtin_graph()) as runner:
        report = runner.reach("ready")
    with pytest.raises(StateFailedError, match="no kernel made the environment"):
        report.raise_for_failure()
