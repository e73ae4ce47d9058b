"""Types of inputs and outputs."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.execution.languages import StepError, read_step
from groundup.execution.languages.types import BUILT_IN, by_schema, from_text, normal, to_text, types_of
from tests.execution.languages.test_strict_json import texts, values
from tests.support.index import IndexServer
from tests.support.languages import write_step

MODEL = '''
from pydantic import BaseModel

class Point(BaseModel):
    """A point."""
    x: int
    when: "datetime" = None

from datetime import datetime
Point.model_rebuild()
NO_MODEL = 1
'''


def is_right(type_name: str, value: Any) -> bool:
    return not list(BUILT_IN[type_name].problems(value))


@given(values)
def test_built_in_types_are_those_of_json(value: Any) -> None:
    assert is_right("json", value)
    assert is_right("string", value) == (type(value) is str)
    assert is_right("int", value) == (type(value) is int)
    if abs(value) < 10**300 if type(value) in (int, float) else True:
        assert is_right("float", value) == (type(value) in (int, float))
    for name in BUILT_IN:
        said = by_schema(BUILT_IN[name].schema)
        is_whole = type(value) is float and value.is_integer()  # an integer to JSON schema
        if not is_whole:
            assert bool(list(said.problems(value))) != is_right(name, value) or name == "float"


@given(texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_plain_texts_stand_for_their_values(value: Any) -> None:
    name = {str: "string", int: "int", float: "float"}[type(value)]
    assert from_text(name, to_text(value)) == value


def test_a_float_has_a_fraction() -> None:
    assert to_text(normal("float", 2)) == "2.0"
    assert not is_right("float", 10**400)
    assert not is_right("float", True)
    assert not is_right("int", True)


@given(values)
def test_a_schema_is_a_type(value: Any) -> None:
    schema = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
    is_one = isinstance(value, dict) and "x" in value and type(value["x"]) is int
    if not (isinstance(value, dict) and type(value.get("x")) is float):
        assert bool(list(by_schema(schema).problems(value))) != is_one


def test_problems_say_where() -> None:
    schema = {"properties": {"x": {"items": {"type": "integer"}}, "y": {"type": "string"}}}
    problems = list(by_schema(schema).problems({"x": [1, "a"], "y": 1}))
    assert problems == ["x[1]: 'a' is not of type 'integer'", "y: 1 is not of type 'string'"]


def test_a_schema_fetches_nothing(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("{}")
    with IndexServer(tmp_path) as server:
        reference = {"$ref": f"{server.base}/index.html"}
        assert list(by_schema(reference).problems(1)) == [
            f"the schema refers to {server.base}/index.html, which it does not contain"
        ]
        assert server.requests == []
    assert "does not contain" in next(by_schema({"$ref": "other.json"}).problems(1))


def test_a_schema_without_an_end_is_told() -> None:
    assert "refers to itself" in next(by_schema({"$ref": "#"}).problems(1))


def declared(folder: Path, **custom: Any) -> Any:
    step = read_step(write_step(folder, types={"mine": custom}))
    return types_of(step)["mine"]


def test_a_schema_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"type": "integer"}')
    mine = declared(tmp_path, schema="mine.json")
    assert list(mine.problems(1)) == []
    assert list(mine.problems("a")) == ["'a' is not of type 'integer'"]
    assert mine.schema == {"type": "integer"}


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that groundup's own environment has."""
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment/step_models.py").write_text(MODEL)
    (tmp_path / "environment/step_exits.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path / "environment")
    monkeypatch.delitem(sys.modules, "step_models", raising=False)
    return tmp_path


def test_a_pydantic_model(models: Path) -> None:
    mine = declared(models, model="step_models:Point")
    assert list(mine.problems({"x": 1, "when": "2024-01-01T00:00:00Z"})) == []
    assert list(mine.problems({"x": "a"})) == [
        "x: Input should be a valid integer, unable to parse string as an integer"
    ]
    assert mine.schema["title"] == "Point"


@pytest.mark.parametrize(
    ("custom", "told"),
    [
        ({"schema": {"type": "intger"}}, "it is no JSON schema: .*'intger'"),
        ({"schema": {"pattern": "("}}, "it is no JSON schema"),
        ({"schema": "missing.json"}, "there is no file"),
        ({"schema": "../outside.json"}, "not inside of"),
        ({"schema": "link.json"}, "not inside of"),
        ({"schema": "broken.json"}, "Expecting"),
        ({"model": "step_models:NO_MODEL"}, "step_models has no pydantic model NO_MODEL"),
        ({"model": "step_models:Missing"}, "step_models has no pydantic model Missing"),
        ({"model": "unittest.__main__:X"}, "unittest.__main__ is a program"),
        ({"model": "step_exits:X"}, "step_exits cannot be imported: SystemExit: 3"),
        ({"model": "no_such_module:X"}, "no_such_module cannot be imported"),
        ({"model": "beside:X"}, "beside cannot be imported"),
    ],
)
def test_what_is_no_type(models: Path, custom: dict[str, Any], told: str) -> None:
    folder = models / "step"
    folder.mkdir()
    (models / "outside.json").write_text("{}")
    (folder / "link.json").symlink_to(models / "outside.json")
    (folder / "broken.json").write_text("{")
    (folder / "beside.py").write_text("raise SystemExit('code of a step was imported')")
    with pytest.raises(StepError, match=rf"step\.json:1: types\.mine\.(schema|model): .*{told}"):
        declared(folder, **custom)


def test_what_is_shown_of_a_value_is_short() -> None:
    (problem,) = BUILT_IN["int"].problems("x" * 1000)
    assert len(problem) < 100
    assert json.dumps("x" * 50)[:-1] in problem


@pytest.mark.parametrize(("module", "ending"), [("jsonschema", "json"), ("yaml", "yaml")])
def test_a_library_that_is_not_installed_is_told_with_its_extra(
    tmp_path: Path, module: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = write_step(tmp_path, types={"mine": {"schema": {}}}).rename(tmp_path / f"step.{ending}")
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "groundup.execution.languages.strict_yaml", raising=False)
    with pytest.raises(UserError, match=rf"steps need groundup\[languages\]: {module} is not installed"):
        types_of(read_step(step))
