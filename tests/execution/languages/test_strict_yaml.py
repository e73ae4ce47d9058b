"""YAML that means the same as JSON."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from groundup.execution.languages.strict_yaml import YamlError, parse
from tests.execution.languages.test_strict_json import values

words = st.from_regex(r"[a-zA-Z][a-zA-Z:#\-' \n]{0,9}", fullmatch=True)


@given(values)
def test_json_is_yaml(value: Any) -> None:
    assert parse(json.dumps(value))[0] == value


@given(st.dictionaries(words, st.lists(st.integers() | words | st.booleans() | st.none())))
def test_what_a_writer_of_yaml_writes_is_read(value: Any) -> None:
    assert parse(yaml.safe_dump(value))[0] == value
    assert parse(yaml.safe_dump(value, default_style='"'))[0] == value


@given(st.text())
@example("a: !!int x")
@example("? [a]\n: 1")
@example("!<tag:yaml.org,2002:float> nan")
@example("[" * 3000)
def test_any_text_is_a_value_of_json_or_an_error(text: str) -> None:
    try:
        value, _ = parse(text)
    except YamlError as error:
        assert str(error)
        assert error.line >= 0
    else:
        assert json.loads(json.dumps(value, allow_nan=False)) == value


@pytest.mark.parametrize(
    "text", ["no", "on", "Yes", "010", "0x1f", "1:30", "2024-01-01", "1_000", ".inf", "1.", "NULL", "=", "<<"]
)
def test_what_is_not_said_in_json_is_a_text(text: str) -> None:
    assert parse(f"a: {text}")[0] == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("-0", 0), ("1.50", 1.5), ("1e3", 1000.0), ("true", True), ("null", None), ("~", None)],
)
def test_values_of_json(text: str, value: Any) -> None:
    (read,) = parse(f"a: {text}")[0].values()
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb:\n  - x: 1\n    x: 2\n", 4, "'x' stands twice"),
        ("a: &anchor 1\nb: *anchor\n", 2, r"\*anchor: aliases are not read"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "!!python/object/apply:os.system is not read"),
        ("a: 1\n1: b\n", 2, "the key 1 is no text"),
        ("a: 1\nb: !!binary aGk=\n", 2, "!!binary is not read"),
        ("a: [1,\n", 2, "expected the node content|expected ',' or"),
        ("a: 1\n---\nb: 1\n", 2, "another document"),
        ("a: 1\nb: 1e999\n", 2, "is no float"),
        ("\x00", 0, "unacceptable character"),
    ],
)
def test_mistakes_are_told_with_their_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(YamlError, match=reason) as told:
        parse(text)
    assert told.value.line == line


def test_lines_of_keys_are_known() -> None:
    _, lines = parse("a: 1\nb:\n  c:\n    - 1\n    - 2\n")
    assert lines[("b", "c")] == 3
    assert lines[("b", "c", 1)] == 5
