"""Languages: found by name, checked against the contract."""

import json
from pathlib import Path
from typing import Any

import pytest

from groundup.execution.languages import LanguageError, StepError, find_language, language_folders, read_step
from groundup.execution.languages.language import contract_problems
from tests.support.languages import write_language, write_step


def test_python3_is_built_in_and_keeps_the_contract() -> None:
    language = find_language("python3", {})
    assert contract_problems(language.folder) == []
    assert language.settings.uses_uv


def test_a_configured_language(tmp_path: Path) -> None:
    folder = write_language(tmp_path / "shell", {"description": "Shell"})
    language = find_language("shell", {"shell": folder})
    assert (language.folder, language.settings.description) == (folder, "Shell")
    assert language.executable("run") == folder / "run"


def test_a_configured_language_comes_before_a_built_in_one(tmp_path: Path) -> None:
    folder = write_language(tmp_path)
    assert find_language("python3", {"python3": folder}).folder == folder
    assert language_folders({"x": "relative"})["x"] == Path("relative").absolute()


def test_a_language_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LanguageError, match="no language 'pyton3'; there are: python3") as told:
        find_language("pyton3", {})
    assert told.value.hint == "did you mean 'python3'?"
    with pytest.raises(LanguageError, match="no language 'cobol'") as told:
        find_language("cobol", {})
    assert "[tool.groundup.neo.languages]" in told.value.hint


@pytest.mark.parametrize("name", ["../x", "", "A", ".hidden", "x" * 65])
def test_a_name_that_cannot_be(name: str) -> None:
    with pytest.raises(LanguageError, match="cannot be the name of a language"):
        language_folders({name: "folder"})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"descripton": "x"}, "descripton"),
        ({"parameters": {"type": "objct"}}, "parameters: it is no JSON schema"),
        ({"dependency_files": ["../*"]}, "leaves the step's folder"),
        ({"dependency_files": ["/etc"]}, "leaves the step's folder"),
        ({"uses_uv": "yes"}, "uses_uv"),
        ([], "valid dictionary"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, settings: Any, told: str) -> None:
    write_language(tmp_path)
    (tmp_path / "language.json").write_text(json.dumps(settings))
    with pytest.raises(LanguageError, match=rf"language lang: .*language\.json: .*{told}"):
        find_language("lang", {"lang": tmp_path})


def test_settings_that_are_no_json(tmp_path: Path) -> None:
    write_language(tmp_path)
    (tmp_path / "language.json").write_text("{")
    assert "Expecting" in contract_problems(tmp_path)[0]


def test_executables_that_are_not_there_or_cannot_be_executed(tmp_path: Path) -> None:
    write_language(tmp_path)
    (tmp_path / "install").unlink()
    (tmp_path / "run").chmod(0o644)
    problems = contract_problems(tmp_path)
    assert problems == [f"there is no file {tmp_path}/install", f"{tmp_path}/run is not executable"]
    assert contract_problems(tmp_path / "missing") == [f"there is no folder {tmp_path}/missing"]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"function": "main"}, "'file' is a required property"),
        ({"file": "main.py", "function": "main", "fast": True}, "'fast' was unexpected"),
        ({"file": "missing.py", "function": "main"}, "file: 'missing.py' is not a 'component-file'"),
        ({"file": "../outside.py", "function": "main"}, "is not a 'component-file'"),
        ({"file": "link.py", "function": "main"}, "is not a 'component-file'"),
        ({"file": "/etc/hostname", "function": "main"}, "is not a 'component-file'"),
        ({"file": 1, "function": "main"}, "1 is not of type 'string'"),
        ({"file": "main.py", "function": "a.b"}, "does not match"),
    ],
)
def test_parameters_are_checked_by_the_language(
    tmp_path: Path, parameters: dict[str, Any], told: str
) -> None:
    folder = tmp_path / "step"
    path = write_step(folder, language="python3", parameters=parameters)
    (folder / "main.py").write_text("")
    (tmp_path / "outside.py").write_text("")
    (folder / "link.py").symlink_to("../outside.py")
    with pytest.raises(StepError, match=rf"step\.json:1: parameters of python3: .*{told}"):
        find_language("python3", {}).check_parameters(read_step(path), folder)
