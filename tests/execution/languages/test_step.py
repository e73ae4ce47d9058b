"""Step files: three ways to write the same, and what is wrong in them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomli_w
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from groundup.execution.languages import StepError, read_step
from groundup.execution.languages.model import StepFile
from groundup.execution.languages.schemas import NAMES, made, published
from groundup.execution.languages.strict_json import plain

FULL = {
    "name": "greet",
    "language": "python3",
    "parameters": {"file": "greet.py", "function": "main"},
    "inputs": {"seed": {"type": "int", "value": 9}, "data": {"type": "point", "artifact": "data.json"}},
    "outputs": {"result": {"type": "string", "description": "what was said"}},
    "types": {"point": {"schema": {"type": "object"}}},
    "env": {"LEVEL": "high"},
    "timeouts": {"run": 2.5},
}

names = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
types = st.sampled_from(["string", "int", "float", "json", "mine", "other"])
toml_values = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.from_regex(r"[a-z ]{0,5}", fullmatch=True),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=3),
    max_leaves=5,
)
inputs = types | st.fixed_dictionaries({"type": types}, optional={"value": toml_values})
steps = st.fixed_dictionaries(
    {"language": st.just("lang")},
    optional={
        "name": st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True),
        "parameters": st.dictionaries(names, toml_values, max_size=3),
        "inputs": st.dictionaries(names, inputs, max_size=3),
        "outputs": st.dictionaries(names, types | st.fixed_dictionaries({"type": types}), max_size=3),
        "types": st.just({"mine": {"schema": {}}, "other": {"schema": True}}),
        "timeouts": st.fixed_dictionaries({}, optional={"run": st.integers(1, 99)}),
    },
)
junk: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({"x": 1})
)


def write(folder: Path, text: str, name: str = "step.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@settings(max_examples=60)
@given(steps.map(lambda step: {**step, "types": {"mine": {"schema": {}}, "other": {"schema": True}}}))
def test_yaml_json_and_toml_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, step: dict[str, Any]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    files = [
        read_step(write(folder, json.dumps(step), "step.json")).file,
        read_step(write(folder, yaml.safe_dump(step), "step.yaml")).file,
        read_step(write(folder, tomli_w.dumps(step), "step.toml")).file,
    ]
    assert files[0] == files[1] == files[2]
    assert files[0].language == "lang"


@st.composite
def nearly_steps(draw: st.DrawFn) -> Any:
    """A step file in which one thing may be of any kind, somewhere."""
    step = plain(draw(steps))
    table = step
    for _ in range(draw(st.integers(0, 3))):
        below = [value for value in table.values() if isinstance(value, dict)]
        if not below:
            break
        table = draw(st.sampled_from(below))
    if draw(st.booleans()):
        known = [*table, "type", "value", "artifact", "schema", "model", "run", "name", "x y", "A"]
        table[draw(st.sampled_from(known))] = draw(junk | types)
    return step


@settings(max_examples=300)
@given(nearly_steps())
def test_the_published_schema_allows_what_is_read_and_nothing_else(step: Any) -> None:
    schema = json.loads(published("step"))
    allowed = jsonschema.Draft202012Validator(schema).is_valid(step)
    try:
        StepFile.model_validate(step)
    except ValidationError:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize("name", NAMES)
def test_published_schemas_are_those_of_the_models(name: str) -> None:
    assert published(name) == made(name)
    jsonschema.Draft202012Validator.check_schema(json.loads(published(name)))


def test_a_full_step(tmp_path: Path) -> None:
    step = read_step(write(tmp_path, json.dumps(FULL), "any.json"))
    assert (step.name, step.folder) == ("greet", tmp_path)
    assert step.file.inputs["seed"].value == 9
    assert step.file.timeouts.limits() == {"run": 2.5}


def test_the_name_is_that_of_the_file(tmp_path: Path) -> None:
    assert read_step(write(tmp_path, "language: x", "Count Words.yaml")).name == "count-words"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yaml", "langage: x\n", r"a\.yaml:1: langage: unknown key; did you mean 'language'\?"),
        ("a.yaml", "inputs: {}\n", r"a\.yaml:1: language: it is missing"),
        (
            "a.yaml",
            "language: x\ninputs:\n  a:\n    typ: int\n",
            r"a\.yaml:4: inputs\.a\.typ: unknown key; did you mean 'type'\?",
        ),
        (
            "a.yaml",
            "language: x\ninputs:\n  a: itn\n",
            r"a\.yaml:3: inputs\.a\.type: there is no type 'itn'; did you mean 'int'\?",
        ),
        ("a.yaml", "language: x\noutputs: {a b: int}\n", r"a\.yaml:2: outputs\.a b: "),
        (
            "a.yaml",
            "language: x\ninputs:\n  a: {type: int, value: 1, artifact: b.json}\n",
            r"a\.yaml:3: inputs\.a: it has both a value and an artifact",
        ),
        ("a.yaml", "language: x\ntypes:\n  int: {schema: {}}\n", r"a\.yaml:3: types\.int: .* built in"),
        ("a.yaml", "language: x\ntypes:\n  t: {}\n", r"a\.yaml:3: types\.t: .*either a schema or a model"),
        ("a.yaml", "language: x\nenv: {GROUNDUP_STEP_WORK: x}\n", r"a\.yaml:2: env\.\S+: .*groundup's own"),
        ("a.yaml", "language: x\ntimeouts: {run: -1}\n", r"a\.yaml:2: timeouts\.run: .*greater than 0"),
        ("a.yaml", "language: x\nname: null\n", r"a\.yaml:\d: the step: name is null: leave it out"),
        ("a.yaml", "- 1\n", r"a\.yaml:1: the step: it is no table"),
        ("a.yaml", "", r"a\.yaml: the step: it is no table"),
        (
            "a.yaml",
            "language: x\nlanguage: y\n",
            r"a\.yaml:2: not valid YAML: the key 'language' stands twice",
        ),
        ("a.toml", "language = 'x'\n[inputs]\na = 'itn'\n", r"a\.toml:3: inputs\.a\.type"),
        ("a.toml", "\nlanguage = \n", r"a\.toml:2: not valid TOML: .*line 2"),
        ("a.toml", "\nlanguage = [\n\n", r"a\.toml:3: not valid TOML: .*end of document"),
        (
            "a.toml",
            "language = 'x'\nparameters = {d = 2024-01-01}\n",
            r"a\.toml: .*dates and times in quotes",
        ),
        ("a.json", '{"language": "x",\n\n"inputs": {"a": "itn"}}', r"a\.json:3: inputs\.a\.type"),
        ("a.json", '{"language": "x",\n}', r"a\.json:\d: not valid JSON"),
        (
            "a.json",
            '{"language": "x",\n"language": "y"}',
            r"a\.json:2: not valid JSON: 'language' stands twice",
        ),
        ("a.json", '{"language": NaN}', r"a\.json: not valid JSON: NaN is no number"),
        ("a.txt", "", r"a\.txt: a step file ends with \.yaml, \.yml, \.json, \.toml"),
    ],
)
def test_mistakes_are_told_with_file_line_and_key(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(StepError, match=told) as error:
        read_step(write(tmp_path, text, name))
    assert error.value.hint
    assert error.value.exit_code == 2


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(StepError) as error:
        read_step(write(tmp_path, "language: x\ninputs: {a: itn}\noutputs: {b: flot}\n"))
    assert len(str(error.value).splitlines()) == 2


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"cannot read the step .*No such file"):
        read_step(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"language: \xe4\n")
    with pytest.raises(StepError, match="is not UTF-8"):
        read_step(tmp_path / "latin.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * 2**21)
    with pytest.raises(StepError, match="larger than"):
        read_step(tmp_path / "large.yaml")
