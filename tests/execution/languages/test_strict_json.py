"""JSON that every language reads in the same way."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.execution.languages.strict_json import dump, parse, plain

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(texts, below, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert parse(dump(value)) == value
    assert plain(value) == value
    assert json.loads(dump(value)) == value


@given(st.text())
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert plain(parse(text)) == parse(text)


@given(st.binary())
def test_any_bytes_are_a_value_or_a_value_error(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert plain(parse(content)) == parse(content)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("1e999", "too large"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ('"\\ud800"', "half of a character"),
        ("[" * 100_000, "nested too deeply"),
        ("{'a': 1}", "double quotes"),
        ("", "Expecting value"),
        ("[-" + "9" * 5000 + "]", "^a whole number has 5000 digits, which are too many$"),
    ],
)
def test_what_others_would_read_otherwise_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


def test_a_mark_of_the_encoding_is_allowed() -> None:
    assert parse(b'\xef\xbb\xbf"\xc3\xa4"') == "ä"


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object(), "\ud800"])
def test_what_json_cannot_say_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        dump(value)
