"""Outputs of a step: what it wrote is read as the work of somebody unknown."""

import os
from pathlib import Path
from typing import Any

import pytest

from groundup.execution.languages.artifacts import MAX_BYTES, read_artifact
from groundup.execution.languages.model import Output
from groundup.execution.languages.outputs import collect_outputs, write_outputs
from groundup.execution.languages.types import BUILT_IN


def collect(folder: Path, **types: str) -> tuple[dict[str, Any], list[str]]:
    return collect_outputs(folder, {name: Output(type=each) for name, each in types.items()}, BUILT_IN)


def test_json_and_plain_texts_are_outputs(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"x": "ä"}')
    (tmp_path / "b.txt").write_text("two\nlines\n")
    (tmp_path / "c.txt").write_text(" 9\n")
    (tmp_path / "d.txt").write_text("2")
    values, problems = collect(tmp_path, a="json", b="string", c="int", d="float")
    assert (values, problems) == ({"a": {"x": "ä"}, "b": "two\nlines\n", "c": 9, "d": 2.0}, [])
    assert type(values["d"]) is float


@pytest.mark.parametrize(
    ("name", "content", "kind", "told"),
    [
        ("a.json", b'"9"', "int", 'output a: "9" is no int'),
        ("a.json", b"{", "json", "output a: Expecting"),
        ("a.json", b"NaN", "float", "output a: NaN is no number"),
        ("a.txt", b"nine", "int", "output a: Expecting value"),
        ("a.txt", b"\xff", "string", "output a: 'utf-8' codec"),
        ("a.txt", b"{}", "json", "output a: it was not written"),
        ("b.json", b"1", "json", "output a: it was not written"),
    ],
)
def test_what_is_not_declared_so_is_a_problem(
    tmp_path: Path, name: str, content: bytes, kind: str, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    values, problems = collect(tmp_path, a=kind)
    assert values == {}
    assert problems[0].startswith(told)


def test_files_that_are_not_declared_are_told(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("1")
    (tmp_path / "reslt.json").write_text("1")
    assert collect(tmp_path, result="json")[1] == [
        "'reslt.json' was written and is not declared; did you mean 'result'?"
    ]


def test_of_many_files_the_first_are_told(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"{number:04}{'x' * 200}").touch()
    (tmp_path / "a.json").write_text("1")
    _, problems = collect(tmp_path, a="json")
    assert len(problems) == 11
    assert problems[0].startswith("'0000xx")
    assert problems[-1] == "1990 more files were written and are not declared"


def test_two_files_of_one_output_are_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("1")
    (tmp_path / "a.txt").write_text("1")
    assert collect(tmp_path, a="int")[1] == ["output a: there are both a.json and a.txt"]


def test_links_and_special_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('"secret"')
    folder = tmp_path / "outputs"
    folder.mkdir()
    (folder / "a.json").symlink_to("../secret.json")
    os.mkfifo(folder / "b.json")
    (folder / "c.json").mkdir()
    values, problems = collect(folder, a="json", b="json", c="json")
    assert values == {}
    assert [problem.partition(":")[0] for problem in problems] == ["output a", "output b", "output c"]


def test_a_folder_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.json").write_text("1")
    (tmp_path / "outputs").symlink_to("elsewhere")
    values, problems = collect(tmp_path / "outputs", a="int")
    assert values == {}
    assert "cannot be read" in problems[0]


def test_an_artifact_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "is larger than" in collect(tmp_path, a="json")[1][0]
    with pytest.raises(ValueError, match=r"a\.json: it is larger than"):
        read_artifact(tmp_path / "a.json")


def test_outputs_are_written_as_json(tmp_path: Path) -> None:
    write_outputs(tmp_path, {"a": {"x": "ä"}, "b": 1.5})
    assert (tmp_path / "a.json").read_text() == '{"x": "ä"}\n'
    assert read_artifact(tmp_path / "b.json") == 1.5
