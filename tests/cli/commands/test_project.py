"""``project infer``: what is printed, what is written into the script, what is refused."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from groundup.cli import main
from groundup.projects.metadata import parse_metadata
from groundup.projects.script import read_script
from tests.support.index import IndexServer
from tests.support.shelf import home, index, shelf

__all__ = ["home", "index", "shelf"]

CODE = "import yaml\nimport json\ntry:\n    import six\nexcept ImportError:\n    six = None\n"


@pytest.fixture
def script(home: Path) -> Path:
    """A script that imports."""
    path = home / "script.py"
    path.write_text(CODE)
    return path


def test_it_prints_the_evidence(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "infer", str(script)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "yaml  PyYAML 1.0  yaml/__init__.py in PyYAML-1.0-py3-none-any.whl",
        "optional, left out: six",
    ]
    assert script.read_text() == CODE


def test_json_is_a_list_with_the_evidence(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["project", "infer", str(script), "--json", "--with", "plain", "--with", "six"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "module": "yaml",
            "distribution": "PyYAML",
            "version": "1.0",
            "evidence": "yaml/__init__.py in PyYAML-1.0-py3-none-any.whl",
        },
        {"module": "six", "distribution": "six", "version": None, "evidence": "declared: --with"},
        {"module": None, "distribution": "plain", "version": None, "evidence": "--with"},
    ]


def test_a_script_on_stdin(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"# coding: latin-1\nimport yaml # \xe4")))
    assert main(["project", "infer", "-"]) == 0
    assert capsys.readouterr().out.startswith("yaml  PyYAML 1.0  ")


def test_nothing_is_said_to_be_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "plain_script.py").write_text("import os\n")
    assert main(["project", "infer", str(home / "plain_script.py")]) == 0
    assert capsys.readouterr().out == "nothing but Python is imported\n"


def test_it_writes_a_block(script: Path) -> None:
    assert main(["project", "infer", str(script), "--with", "six>=1", "--write"]) == 0
    written = read_script(script)
    declared = parse_metadata(written.text(), "x").dependencies
    assert [one.text for one in declared] == ["six>=1", "PyYAML"]
    assert script.read_text().endswith(CODE)


def test_a_script_with_a_block_is_refused_before_anything_is_asked(
    script: Path, index: IndexServer, capsys: pytest.CaptureFixture[str]
) -> None:
    script.write_text("# /// script\n# dependencies = []\n# ///\n" + CODE)
    assert main(["project", "infer", str(script), "--write"]) == 2
    assert "script.py:1: there is a `# /// script` block already" in capsys.readouterr().err
    assert index.requests == []


def test_a_person_decides(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "hid_script.py"
    path.write_text("import hid\n")
    assert main(["project", "infer", str(path)]) == 2
    told = capsys.readouterr().err
    assert f"error: {path}:1: hid: several provide it: hidapi 1.0, hid 1.0" in told
    assert "hint: decide with dependency_overrides={'hid': 'hidapi'}" in told
    assert main(["project", "infer", str(path), "--with", "hidapi"]) == 0
    assert main(["project", "infer", str(path), "--override", "hid=hidapi>=1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "hid  hidapi  declared: --with",
        "hid  hidapi  dependency_overrides",
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.py"], "cannot read the script"),
        (["{script}", "--override", "yaml"], "--override 'yaml' is not MODULE=REQUIREMENT"),
        (
            ["{script}", "--with", "not a requirement"],
            "--with: 'not a requirement' is not a valid requirement",
        ),
        (["-", "--write"], "in no file"),
    ],
)
def test_what_is_wrong_is_told(
    script: Path,
    words: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"import yaml")))
    assert main(["project", "infer", *(word.format(script=script) for word in words)]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "hint: " in captured.err
    assert captured.out == ""


def test_what_is_known_offline_is_told(
    script: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["project", "infer", str(script)]) == 0
    first = capsys.readouterr().out
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert main(["project", "infer", str(script)]) == 0
    assert capsys.readouterr().out == first
