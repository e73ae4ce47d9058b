"""Modules of clients that cannot be imported: each mistake with the client's own file and line."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from groundup.states.importing import FILE_MODULE, ClientModuleError
from groundup.states.loading import load_graph
from tests.support.clients import client
from tests.support.wheels import build_wheel

pytestmark = pytest.mark.usefixtures("fresh_imports")


def error_of(folder: Path, files: dict[str, str], neo: str = "") -> ClientModuleError:
    config = client(folder, files, neo)
    with pytest.raises(ClientModuleError) as caught:
        load_graph(config)
    assert caught.value.exit_code == 2
    return caught.value


NAMED = '[neo]\nstates = ["tools.states"]\n'

BROKEN = {
    "an import": ("import os\nimport no_such_thing\n", 2, "No module named 'no_such_thing'"),
    "a name": ("x = 1\n\n\nx = y\n", 4, "NameError: name 'y' is not defined"),
    "syntax": ("x = 1\ndef (:\n", 2, "SyntaxError: invalid syntax"),
    "indentation": ("def f():\nx = 1\n", 2, "IndentationError: expected an indented block"),
    "in a library": ('import json\nx = json.loads("{")\n', 2, "JSONDecodeError: Expecting property name"),
    "in a function": ("def f():\n    1 / 0\n\nf()\n", 2, "ZeroDivisionError: division by zero"),
    "an exit": ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3"),
    "no function": ("from groundup import state\n@state\nclass A: ...\n", 2, "cannot be a state"),
    "a wrong option": (
        "from groundup import state\n\n@state(timeout=-1)\ndef a(): ...\n",
        3,
        "timeout of the state at",
    ),
    "a state that is decorated": (
        "from groundup import state\n@state\n@state\ndef a(): ...\n",
        2,
        "cannot be a state",
    ),
    "an encoding": ("# coding: nowhere\n", 1, "unknown encoding"),
}


@pytest.mark.parametrize(("text", "line", "what"), BROKEN.values(), ids=BROKEN)
def test_in_the_repositorys_file_it_is_told_with_its_line(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    error = error_of(tmp_path, {"groundup_states.py": text})
    assert f"{tmp_path}/groundup_states.py:{line}" in f"{error} {error.hint}"
    assert what in str(error)
    assert "while loading" not in str(error)
    assert FILE_MODULE not in sys.modules


@pytest.mark.parametrize(("text", "line", "what"), BROKEN.values(), ids=BROKEN)
def test_in_a_named_module_it_is_told_with_its_line_and_where_it_was_named(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    error = error_of(tmp_path, {"tools/__init__.py": "", "tools/states.py": text}, NAMED)
    assert f"{tmp_path}/tools/states.py:{line}" in f"{error} {error.hint}"
    assert what in str(error)
    assert str(error).endswith(f", while loading {tmp_path}/groundup.toml:3 (tools.states)")


def test_what_fails_in_a_neighbour_is_told_with_the_neighbours_line(tmp_path: Path) -> None:
    files = {"groundup_states.py": "import tools.helpers\n", "tools/helpers.py": "x = 1\n\n1 / 0\n"}
    error = error_of(tmp_path, files)
    assert str(error).startswith(f"{tmp_path}/tools/helpers.py:3: ZeroDivisionError")
    assert str(error).endswith(f", while loading {tmp_path}/groundup_states.py")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("import no_such_thing.inside\n", "add what has no_such_thing to the dependencies"),
        ("x = = 1\n", "correct the file"),
        ("raise SystemExit\n", "must not exit"),
        ("from groundup import state\n@state\nclass A: ...\n", "decorate a function with @state"),
        ("1 / 0\n", ""),  # the command line says where the traceback is
    ],
)
def test_it_says_what_to_do(tmp_path: Path, text: str, hint: str) -> None:
    error = error_of(tmp_path, {"groundup_states.py": text})
    assert hint in error.hint
    assert bool(error.hint) == bool(hint)
    assert error.__cause__ is not None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("tools.sates", "did you mean tools.states?"),
        ("tool.states", "did you mean tools.states?"),
        ("tools.states.more", "it is looked for in the environment, then in {root}"),
        ("zzz", "it is looked for in the environment, then in {root}"),
    ],
)
@pytest.mark.parametrize("package", [{"tools/__init__.py": ""}, {}], ids=["package", "folder"])
def test_a_module_that_is_not_there_is_told_with_the_nearest(
    tmp_path: Path, name: str, near: str, package: dict[str, str]
) -> None:
    neo = f'[neo]\nstates = [\n  "tools.states",\n  "{name}",\n]\n'
    error = error_of(tmp_path, {**package, "tools/states.py": ""}, neo)
    assert str(error) == f"{tmp_path}/groundup.toml:5: there is no module {name}"
    assert error.hint == near.format(root=tmp_path)


@pytest.mark.parametrize("name", ["tools/states.py", "a b", ".states", "tools:states"])
def test_what_is_no_name_of_a_module_is_told(tmp_path: Path, name: str) -> None:
    error = error_of(tmp_path, {}, f'[neo]\nstates = ["{name}"]\n')
    assert str(error) == f"{tmp_path}/groundup.toml:3: {name!r} is not the name of a module"
    assert "tools.states" in error.hint


def plug_in(folder: Path, monkeypatch: pytest.MonkeyPatch, states: str, value: str = "zoo.states") -> Path:
    """Install a distribution whose entry point names a module of states; return its folder."""
    site = folder / "lib/site-packages"
    modules = {
        "zoo/__init__.py": "",
        "zoo/states.py": states,
        "zoo/parts.py": "1 / 0\n",
        "zoo-1.0.dist-info/entry_points.txt": f"[groundup.states]\nanimals = {value}\n",
    }
    wheel = build_wheel(folder / "wheels", "zoo", modules=modules)
    zipfile.ZipFile(wheel).extractall(site)
    monkeypatch.syspath_prepend(site)
    return site


@pytest.mark.parametrize(
    ("states", "place", "what"),
    [
        ("import no_such_thing\n", "zoo/states.py:1", "No module named 'no_such_thing'"),
        ("\nfrom zoo import parts\n", "zoo/parts.py:1", "ZeroDivisionError"),
    ],
)
def test_in_a_plug_in_it_is_told_with_its_line_and_the_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: str, place: str, what: str
) -> None:
    site = plug_in(tmp_path, monkeypatch, states)
    error = error_of(tmp_path / "repo", {})
    assert str(error).startswith(f"{site}/{place}: ")
    assert what in str(error)
    assert str(error).endswith(", while loading entry point animals of zoo")


def test_an_entry_point_of_no_module_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(tmp_path, monkeypatch, "", "zoo.sates")
    error = error_of(tmp_path / "repo", {})
    assert str(error) == "entry point animals of zoo: there is no module zoo.sates"
    assert error.hint == "did you mean zoo.states?"


def test_an_entry_point_names_a_module_no_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(tmp_path, monkeypatch, "", "zoo.states:all")
    error = error_of(tmp_path / "repo", {})
    assert str(error) == "entry point animals of zoo: 'zoo.states:all' is not the name of a module"


@pytest.mark.parametrize("name", ["groundup_states.py", "tools/states.py"])
def test_what_a_module_prints_is_not_the_output_of_the_command(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    load_graph(client(tmp_path, {name: 'print("hello")\n'}, NAMED if "tools" in name else ""))
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "hello\n")
