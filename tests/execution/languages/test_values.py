"""Values of inputs: from the caller, from the step file, from artifacts."""

from pathlib import Path
from typing import Any

import pytest

from groundup.execution.languages import StepError, read_step
from groundup.execution.languages.types import types_of
from groundup.execution.languages.values import input_values, values_from_texts
from tests.support.languages import write_step


def given(folder: Path, inputs: dict[str, Any], values: dict[str, Any], **artifacts: Path) -> dict[str, Any]:
    step = read_step(write_step(folder, inputs=inputs))
    return input_values(step, types_of(step), values, artifacts)


def test_the_caller_comes_before_the_step_file(tmp_path: Path) -> None:
    inputs = {"a": {"type": "int", "value": 1}, "b": {"type": "int", "value": 2}, "c": "string"}
    assert given(tmp_path, inputs, {"b": 3, "c": "x"}) == {"a": 1, "b": 3, "c": "x"}


def test_null_is_a_value(tmp_path: Path) -> None:
    assert given(tmp_path, {"a": {"type": "json", "value": None}}, {}) == {"a": None}


def test_artifacts_are_json_files(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text('{"x": 1}')
    (tmp_path / "given.json").write_text("[1, 2]")
    inputs = {"a": {"type": "json", "artifact": "own.json"}, "b": "json"}
    values = given(tmp_path, inputs, {}, b=tmp_path / "given.json")
    assert values == {"a": {"x": 1}, "b": [1, 2]}


def test_values_become_what_json_says(tmp_path: Path) -> None:
    assert given(tmp_path, {"a": "json", "b": "float"}, {"a": (1, 2), "b": 2}) == {"a": [1, 2], "b": 2.0}


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    inputs = {"a": "int", "b": "float", "word": "string", "d": {"type": "int", "value": "x"}}
    with pytest.raises(StepError) as told:
        given(tmp_path, inputs, {"a": "9", "wrod": "x", "b": float("nan")})
    lines = [
        line.partition("step.json")[2].partition(" JSON compliant")[0]
        for line in str(told.value).splitlines()
    ]
    assert lines == [
        ": there is no input 'wrod'; did you mean 'word'?",
        ':1: input a: "9" is no int',
        ":1: input b: Out of range float values are not",
        ":1: input word: no value is given for this string",
        ':1: input d: "x" is no int',
    ]


def test_an_input_that_is_given_twice(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("1")
    with pytest.raises(StepError, match="'a' is given twice"):
        given(tmp_path, {"a": "int"}, {"a": 1}, a=tmp_path / "a.json")


@pytest.mark.parametrize(
    ("artifact", "told"),
    [
        ("missing.json", "there is no file"),
        ("../secret.json", "not inside of"),
        ("/etc/hostname", "not inside of"),
        ("link.json", "not inside of"),
        ("broken.json", "broken.json: Expecting"),
    ],
)
def test_a_step_file_reads_nothing_outside_of_its_folder(tmp_path: Path, artifact: str, told: str) -> None:
    folder = tmp_path / "step"
    folder.mkdir()
    (tmp_path / "secret.json").write_text("1")
    (folder / "link.json").symlink_to("../secret.json")
    (folder / "broken.json").write_text("{")
    with pytest.raises(StepError, match=told):
        given(folder, {"a": {"type": "json", "artifact": artifact}}, {})


def test_texts_stand_for_values_by_their_type(tmp_path: Path) -> None:
    step = read_step(write_step(tmp_path, inputs={"a": "int", "b": "string", "c": "json", "d": "float"}))
    texts = {"a": "9", "b": "9", "c": '{"x": [1]}', "d": "1e3", "unknown": "x"}
    assert values_from_texts(step, texts) == {
        "a": 9,
        "b": "9",
        "c": {"x": [1]},
        "d": 1000.0,
        "unknown": "x",
    }
    with pytest.raises(StepError, match="input a: 'nine' is no JSON") as told:
        values_from_texts(step, {"a": "nine", "c": "{"})
    assert len(str(told.value).splitlines()) == 2
