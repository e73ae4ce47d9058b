"""Where a value of the configuration stands: file and line, in the leap that set it."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.config import Config
from groundup.config.provenance import UNKNOWN, shown
from tests.support.clients import client, read
from tests.support.repositories import write

NEO = """
[neo]
states = [
  "tools.states",
  'tools.more',
]

[neo.params.deploy]
region = "eu"
limits = { cpu = 1 }
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return client(tmp_path, neo=NEO)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("neo",), 3),
        (("neo", "states"), 4),
        (("neo", "params", "deploy"), 9),
        (("neo", "params", "deploy", "region"), 10),
        (("neo", "params", "deploy", "limits", "cpu"), 11),
    ],
)
def test_a_value_has_file_and_line(config: Config, keys: tuple[str, ...], line: int) -> None:
    assert config.place(*keys) == f"{config.root}/groundup.toml:{line}"


def test_what_is_not_set_has_the_place_of_the_table_above(config: Config) -> None:
    assert config.place("neo", "params", "deploy", "size", "x") == f"{config.root}/groundup.toml:9"
    assert config.place("neo", "states", 1, "x") == f"{config.root}/groundup.toml:4"


@pytest.mark.parametrize(("item", "line"), [("tools.states", 5), ("tools.more", 6), ("other", 4)])
def test_an_item_of_a_list_has_its_own_line(config: Config, item: str, line: int) -> None:
    assert config.place("neo", "states", item=item) == f"{config.root}/groundup.toml:{line}"


def test_what_an_environment_sets_stands_in_its_file(tmp_path: Path) -> None:
    client(tmp_path, neo=NEO)
    write(tmp_path, "envs/prod/groundup.toml", '[neo.params.deploy]\nregion = "us"\n')
    config = read(tmp_path, "--env", "prod")
    assert config.place("neo", "params", "deploy", "region") == f"{tmp_path}/envs/prod/groundup.toml:2"
    assert config.place("neo", "states") == f"{tmp_path}/groundup.toml:4"


def test_what_a_named_configuration_sets_stands_in_its_file(tmp_path: Path) -> None:
    client(tmp_path)
    write(tmp_path, "groundup.tools.toml", 'projects = []\nneo = { states = ["x"] }\n')
    config = read(tmp_path, "--config", "tools")
    assert config.place("neo", "states", item="x") == f"{tmp_path}/groundup.tools.toml:2"


def test_a_table_in_pyproject_is_found_there(tmp_path: Path) -> None:
    client(tmp_path)
    (tmp_path / "groundup.toml").unlink()
    write(tmp_path, "pyproject.toml", '[tool.groundup]\nprojects = []\n[tool.groundup.neo]\nstates = ["x"]\n')
    assert read(tmp_path).place("neo", "states") == f"{tmp_path}/pyproject.toml:4"


def test_what_cannot_be_read_any_more_has_no_line(config: Config) -> None:
    (config.root / "groundup.toml").write_text("[")
    assert config.place("neo", "states") == UNKNOWN


def test_what_no_file_says_has_no_line(config: Config) -> None:
    assert config.place("target") == UNKNOWN
    assert Config.from_values({**config.values, "kernel": "/nowhere/proto_kernel.py"}).place("neo") == UNKNOWN


def test_places_inside_the_repository_are_shown_relative_to_it() -> None:
    root = Path("/repo")
    assert shown("/repo/tools/a.py:3", root) == "tools/a.py:3"
    assert shown("/repository/a.py:3", root) == "/repository/a.py:3"
