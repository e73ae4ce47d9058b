"""``step run`` and ``step schema``: what is printed where, exit codes, what is wrong with the words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundup.cli import main
from groundup.execution.languages.schemas import published
from tests.support.languages import configured, write_language
from tests.support.neo import Neo

ECHO = """
cat "$GROUNDUP_STEP_INPUTS/word.txt"
echo to stderr >&2
[ "${FAIL-}" = "" ] || exit "$FAIL"
cp "$GROUNDUP_STEP_INPUTS"/* "$GROUNDUP_STEP_OUTPUTS"
rm "$GROUNDUP_STEP_OUTPUTS"/*.txt
"""
STEP = """
language: echo
inputs: {word: string, data: json}
outputs: {word: string, data: point}
types:
  point: {model: "shop_models:Point"}
"""
MODELS = "from pydantic import BaseModel\nclass Point(BaseModel):\n    x: int\n"
GIVEN = ("--input", "word=9", "--input", 'data={"x": 1}')


@pytest.fixture
def client(client: Neo) -> Iterator[Neo]:
    """A repository with a language of its own, a step in it, and a model."""
    with configured(client, "echo", "work/echo") as folder:
        write_language(folder, run=ECHO)
        (client.repo / "work/steps").mkdir()
        (client.repo / "work/steps/say.yaml").write_text(STEP)
        (client.repo / "shop_models.py").write_text(MODELS)
        yield client
    (client.repo / "shop_models.py").unlink()


def test_a_step_of_the_repository(client: Neo, tmp_path: Path) -> None:
    words = client.module("step", "run", "say.yaml", *GIVEN, "--output", str(tmp_path / "out"))
    done = client.run(words, cwd=client.repo / "work/steps", variables={"GROUNDUP_HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, 'word = "9"\ndata = {"x": 1}\n'), done.stderr
    assert done.stderr.splitlines() == ["install of echo …", "supply of echo …", "9to stderr"]
    assert json.loads((tmp_path / "out/data.json").read_text()) == {"x": 1}
    again = client.run(words, cwd=client.repo / "work/steps", variables={"GROUNDUP_HOME": str(tmp_path)})
    assert again.stderr == "9to stderr\n"


def test_json_says_all_of_a_run(client: Neo, tmp_path: Path) -> None:
    artifact = tmp_path / "data.json"
    artifact.write_text('{"x": 2}')
    given = ("--input", "word=a=b", "--artifact", f"data={artifact}")
    words = client.module("step", "run", "work/steps/say.yaml", *given, "--json")
    done = client.run(words, variables={"GROUNDUP_HOME": str(tmp_path)})
    said = json.loads(done.stdout)
    assert said["status"] == "SUCCESS"
    assert said["outputs"] == {"word": "a=b", "data": {"x": 2}}
    assert json.loads(Path(said["artifacts"]["data"]).read_text()) == {"x": 2}
    assert [(phase["phase"], phase["cached"], phase["exit_code"]) for phase in said["phases"]] == [
        ("install", False, 0),
        ("supply", False, 0),
        ("run", False, 0),
    ]
    assert Path(said["phases"][2]["log"]).read_text() == "a=bto stderr\n"
    assert said["error"] is None
    failed = client.run([*words, "--env", "FAIL=7"], variables={"GROUNDUP_HOME": str(tmp_path)})
    said = json.loads(failed.stdout)
    assert (failed.returncode, said["status"], said["outputs"]) == (7, "FAILURE", {})
    assert said["error"]["phase"] == "run"
    assert [phase["cached"] for phase in said["phases"]] == [True, True, False]
    assert "error: step say: run of echo failed with exit code 7" in failed.stderr
    assert "hint: its last words: to stderr; everything that it wrote is in /" in failed.stderr


def test_a_value_is_checked_by_a_model_of_the_repository(client: Neo, tmp_path: Path) -> None:
    (client.repo / "work/steps/say.yaml").write_text(STEP.replace("data: json", "data: point"))
    words = client.module(
        "step", "run", "work/steps/say.yaml", "--input", "word=x", "--input", 'data={"x": "a"}'
    )
    done = client.run(words, variables={"GROUNDUP_HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (2, "")
    assert "say.yaml:3: input data: x: Input should be a valid integer" in done.stderr
    assert not (tmp_path / "steps").exists()


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path / "groundup"))
    path = tmp_path / "step.yaml"
    path.write_text("language: python3\nparameters: {file: main.py, function: main}\ninputs: {n: int}\n")
    (tmp_path / "main.py").write_text("def main(n): pass\n")
    return path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--input", "n"], "--input 'n' is not NAME=VALUE"),
        (["--input", "n=1", "--input", "n=2"], "--input 'n=2' is there already"),
        (["--input", "n=one"], "input n: 'one' is no JSON"),
        (["--input", 'n="1"'], 'input n: "1" is no int'),
        ([], "input n: no value is given for this int"),
        (["--input", "m=1"], "there is no input 'm'"),
        (["--artifact", "n=missing.json"], "cannot read missing.json"),
        (["--input", "n=1", "--timeout", "run=soon"], "--timeout: 'soon' is no number of seconds"),
        (["--input", "n=1", "--timeout", "run=nan"], "--timeout: 'nan' is no number of seconds"),
        (["--input", "n=1", "--timeout", "start=1"], "--timeout start: there is no such phase"),
        (["--input", "n=1", "--component", "missing"], "there is no folder"),
        (["--input", "n=1", "--on", "moon"], "moon"),
    ],
)
def test_what_is_wrong_is_told_before_anything_starts(
    step: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["step", "run", str(step), *words]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "hint: " in captured.err
    assert captured.out == ""
    assert not (step.parent / "groundup").exists()


@pytest.mark.parametrize("name", ["step", "given", "language"])
def test_schemas_are_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["step", "schema", name]) == 0
    assert capsys.readouterr().out == published(name)


def test_the_schema_of_step_files_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["step", "schema"]) == 0
    assert capsys.readouterr().out == published("step")


@pytest.mark.parametrize("words", [["step"], ["language"]])
def test_without_a_command_there_is_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert f"groundup {words[0]}" in capsys.readouterr().out
