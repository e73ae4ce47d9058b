"""The variables of a script."""

import os
import sys
from pathlib import Path

import pytest

from groundup.execution.environ import hermetic_environ

PYTHON = Path("/env/bin/python")


@pytest.mark.parametrize(
    "name",
    [
        *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONWARNINGS"),
        *("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "__PYVENV_LAUNCHER__"),
    ],
)
def test_nothing_of_the_callers_python_passes(name: str) -> None:
    assert name not in hermetic_environ({name: "x"}, PYTHON)


def test_everything_else_passes_and_extra_wins() -> None:
    environ = hermetic_environ(
        {"HOME": "/home", "A": "1", "B": "1"}, PYTHON, {"B": "2", "PYTHONPATH": "/mine"}
    )
    assert environ["HOME"] == "/home"
    assert (environ["A"], environ["B"], environ["PYTHONPATH"]) == ("1", "2", "/mine")


def test_the_environment_comes_first_on_path_and_the_callers_are_gone() -> None:
    caller = {"VIRTUAL_ENV": "/venv", "CONDA_PREFIX": "/conda"}
    path = ["/venv/bin", f"{sys.prefix}/bin", "/conda/bin", "/usr/bin"]
    environ = hermetic_environ({**caller, "PATH": os.pathsep.join(path)}, PYTHON)
    own = [] if sys.prefix != sys.base_prefix else [f"{sys.prefix}/bin"]
    assert environ["PATH"].split(os.pathsep) == ["/env/bin", *own, "/usr/bin"]
