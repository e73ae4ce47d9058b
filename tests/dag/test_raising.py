"""Where an error arose: the innermost line of what the state's file belongs to, not of libraries."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from groundup.dag.raising import raised_at
from groundup.errors import GroundupError

HELPER = """
import json

def read(text):
    return json.loads(text)
"""


def imported(path: Path, text: str) -> ModuleType:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def error_of(module: ModuleType, helper: ModuleType, text: object) -> Exception:
    try:
        module.state(helper, text)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


STATE = """
def state(helper, text):
    if text is None:
        raise ValueError
    return helper.read(text)
"""


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        ("", "helper.py:5"),
        ("below/", "below/helper.py:5"),
        ("../elsewhere/", "states.py:5"),
        (".venv/lib/python3/site-packages/", "states.py:5"),
    ],
)
def test_the_innermost_line_beside_or_below_the_file_counts(tmp_path: Path, folder: str, place: str) -> None:
    home = tmp_path / "client"
    helper = imported((home / f"{folder}helper.py").resolve(), HELPER)
    error = error_of(imported(home / "states.py", STATE), helper, "{")
    assert isinstance(error, json.JSONDecodeError)
    file, line = raised_at(error, str(home / "states.py"))
    assert f"{file}:{line}" == str(home / place)


def test_of_an_installed_state_its_whole_distribution_counts(tmp_path: Path) -> None:
    site = tmp_path / "lib/site-packages"
    helper = imported(site / "acme/tools/helper.py", HELPER)
    error = error_of(imported(site / "acme/states/all.py", STATE), helper, "{")
    assert raised_at(error, str(site / "acme/states/all.py")) == (str(site / "acme/tools/helper.py"), 5)
    assert raised_at(error, str(site / "other/states.py")) == ("", 0)


def test_an_error_of_its_own_stands_in_its_own_line(tmp_path: Path) -> None:
    module = imported(tmp_path / "states.py", STATE)
    assert raised_at(error_of(module, module, None), str(tmp_path / "states.py")) == (module.__file__, 4)


def test_the_standard_library_is_no_client_wherever_it_stands() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        above = str(Path(sys.executable).anchor) + "states.py"
        file, _ = raised_at(error, above)
    assert file == __file__


def test_a_message_for_people_needs_no_place() -> None:
    try:
        raise GroundupError("not today")
    except GroundupError as error:
        assert raised_at(error, __file__) == ("", 0)
