"""The configuration as states see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.config import Config, load_config
from groundup.errors import GroundupError

VALUES = {
    "root": "/repo",
    "venv": "/repo/envs/dev/.venv",
    "env": "dev",
    "target": "ready",
    "neo": {"key": 1},
    "python": "3.11",
}


def test_the_kernels_values_are_typed() -> None:
    config = Config.from_values(VALUES)
    assert config.root == Path("/repo")
    assert config.venv == Path("/repo/envs/dev/.venv")
    assert (config.env, config.target, config.neo) == ("dev", "ready", {"key": 1})
    assert config.values["python"] == "3.11"
    assert config.data == Path("/repo/.groundup")


def test_it_says_which_repository_and_environment_it_is() -> None:
    assert str(Config.from_values(VALUES)) == "/repo (environment dev)"
    assert str(Config.from_values({**VALUES, "env": None})) == "/repo"


def test_outside_an_environment_of_a_kernel_it_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    with pytest.raises(GroundupError, match=f"no kernel made the environment {tmp_path}") as caught:
        load_config()
    assert "proto_kernel.py" in caught.value.hint
