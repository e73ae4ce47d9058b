"""The table of the neo runtime: its keys, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.config.neo import check_neo, node_references, state_modules, state_params
from groundup.errors import UserError
from tests.support.clients import client


def test_it_names_modules_and_parameters(tmp_path: Path) -> None:
    neo = '[neo]\nstates = ["a", "b.c"]\nnodes = ["m:N"]\n[neo.params.deploy]\nregion = "eu"\n'
    config = client(tmp_path, neo=neo)
    check_neo(config)
    assert node_references(config) == ["m:N"]
    assert state_modules(config) == ["a", "b.c"]
    assert state_params(config) == {"deploy": {"region": "eu"}}


def test_without_it_there_is_nothing(tmp_path: Path) -> None:
    config = client(tmp_path)
    check_neo(config)
    assert (state_modules(config), node_references(config)) == ([], [])
    assert state_params(config) == {}


@pytest.mark.parametrize(
    ("neo", "message", "hint"),
    [
        ('[neo]\nstate = ["a"]\n', "3: unknown key 'neo.state'", "did you mean 'states'?"),
        ("[neo.parms.deploy]\nx = 1\n", "2: unknown key 'neo.parms'", "did you mean 'params'?"),
        (
            "[neo]\n\nzzz = 1\n",
            "4: unknown key 'neo.zzz'",
            "known keys: states, params, projects, languages, nodes",
        ),
        ('[neo]\nstates = "a"\n', "3: neo.states must be a list of module names", "reference"),
        ("[neo]\nstates = [1]\n", "3: neo.states must be a list of module names", "reference"),
        ('[neo]\nstates = [""]\n', "3: neo.states must be a list of module names", "reference"),
        ("[neo.params]\ndeploy = 1\n", "2: neo.params must be a table for each state", "reference"),
        ("[neo.projects]\nmodules = 1\n", "2: neo.projects must be the tables modules and", "reference"),
        ("[neo.projects.modules]\nx = 1\n", "2: neo.projects must be the tables modules and", "reference"),
        ("[neo.languages]\nx = 1\n", "2: neo.languages must be a folder for each language", "reference"),
        ("[neo]\nnodes = 'm:N'\n", "3: neo.nodes must be a list of node classes", "reference"),
        ("[neo.projects.module]\nx = 'y'\n", "2: neo.projects must be the tables modules and", "reference"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, neo: str, message: str, hint: str) -> None:
    config = client(tmp_path, neo=neo)
    with pytest.raises(UserError) as caught:
        check_neo(config)
    assert str(caught.value).startswith(f"{tmp_path}/groundup.toml:{message}")
    assert hint in caught.value.hint
