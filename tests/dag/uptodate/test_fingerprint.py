"""Fingerprints: the key covers all of what decides, nothing else, and what differs can be told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.dag.uptodate.code import value_text
from groundup.dag.uptodate.fingerprint import Change, Fingerprint, Result, altered, changes, params_text
from groundup.dag.uptodate.text import digest

NAMES = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=3)
WORDS = st.sampled_from(["", "a", "b", "ab", "input", "parent"])
RESULTS = st.builds(Result, WORDS.map(digest), st.none() | WORDS)
FINGERPRINTS = st.builds(
    Fingerprint,
    code=WORDS.map(lambda word: f"3.11-{digest(word)}"),
    source=st.sampled_from(["a.py:1", "a.py:2"]),
    params=st.just("")
    | st.dictionaries(NAMES, st.integers(0, 2), max_size=2).map(lambda p: params_text(p, str)),
    inputs=st.dictionaries(NAMES, WORDS.map(digest), max_size=3),
    outputs=st.sampled_from(["", '["a"]', '["a", "b"]', '["a, b"]']),
    parents=st.dictionaries(NAMES, RESULTS, max_size=3),
)


def covered(of: Fingerprint) -> object:
    return (
        of.code,
        of.params,
        of.inputs,
        of.outputs,
        {name: parent.digest for name, parent in of.parents.items()},
    )


def one_part_of(one: Fingerprint, other: Fingerprint, part: str) -> Fingerprint:
    return one._replace(**{part: getattr(other, part)})


@given(FINGERPRINTS, FINGERPRINTS, st.sampled_from(["all", *Fingerprint._fields]))
def test_the_key_changes_when_something_covered_changed_and_only_then(
    one: Fingerprint, other: Fingerprint, part: str
) -> None:
    changed = other if part == "all" else one_part_of(one, other, part)
    is_same = covered(one) == covered(changed)
    assert (one.key() == changed.key()) == is_same
    no_params = {"", "{}"}
    if {one.params, changed.params} != no_params:
        assert (changes(one, changed, "x") == ()) == is_same


@given(FINGERPRINTS)
def test_the_order_of_inputs_and_parents_does_not_count(one: Fingerprint) -> None:
    backwards = one._replace(
        inputs=dict(reversed(list(one.inputs.items()))),
        parents=dict(reversed(list(one.parents.items()))),
    )
    assert one.key() == backwards.key()


@given(FINGERPRINTS)
def test_what_was_written_is_read(one: Fingerprint) -> None:
    back = Fingerprint.from_text(one.to_text())
    assert covered(back) == covered(one)
    assert back.key() == one.key()
    assert changes(back, one, "x") == ()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "1", "null", '["a", "b", "c", {}, "d", {"p": 1}]', '{"a": 1}']
)
def test_what_was_not_written_here_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        Fingerprint.from_text(text)


PLAIN = Fingerprint("3.11-" + digest("code"), "states.py:3", "", {}, "", {})
A, B = digest("a"), digest("b")


def only(old: Fingerprint, new: Fingerprint) -> Change:
    (change,) = changes(old, new, "it")
    return change


def test_a_changed_input_is_told_with_old_and_new() -> None:
    old, new = PLAIN._replace(inputs={"x": A, "y": A}), PLAIN._replace(inputs={"x": B, "y": A})
    change = only(old, new)
    assert change == Change("input", "x", A[:8], B[:8])
    assert change.text == str(change) == f"input x changed: {A[:8]} → {B[:8]}"
    assert only(PLAIN, PLAIN._replace(inputs={"x": A})).text == f"input x is new ({A[:8]})"
    assert only(PLAIN._replace(inputs={"x": A}), PLAIN).text == f"input x is gone (was {A[:8]})"


def test_words_beside_a_digest_are_shown() -> None:
    old, new = PLAIN._replace(inputs={"x": A}), PLAIN._replace(inputs={"x": f"{A} executable"})
    assert only(old, new).text == f"input x changed: {A[:8]} → {A[:8]} executable"
    linked = PLAIN._replace(inputs={"x": "link to nowhere"})
    assert only(old, linked).text == f"input x changed: {A[:8]} → link to nowhere"


def test_a_changed_parameter_is_told_with_its_values() -> None:
    old = PLAIN._replace(params=params_text({"level": 3, "name": "a"}, value_text))
    new = PLAIN._replace(params=params_text({"level": 4, "name": "a", "more": None}, value_text))
    assert [change.text for change in changes(old, new, "it")] == [
        "parameter level changed: 3 → 4",
        "parameter more is new (None)",
    ]


def test_a_changed_parent_is_told_with_its_values() -> None:
    old, new = PLAIN._replace(parents={"p": Result(A, "41")}), PLAIN._replace(parents={"p": Result(B, "42")})
    assert only(old, new).text == "parent p changed: 41 → 42"
    long = PLAIN._replace(parents={"p": Result(B, "x" * 100)})
    assert len(only(old, long).text) < 100
    assert only(PLAIN, new).text == "parent p is new (42)"


def test_a_parent_whose_value_is_the_same_or_unknown_is_told_with_digests() -> None:
    old, new = PLAIN._replace(parents={"p": Result(A, "1")}), PLAIN._replace(parents={"p": Result(B, "1")})
    assert only(old, new).text == f"parent p changed: {A[:8]} → {B[:8]}"
    unknown = PLAIN._replace(parents={"p": Result(B)})
    assert only(old, unknown).text == f"parent p changed: 1 → {B[:8]}"


def test_changed_code_is_told_with_its_places() -> None:
    new = PLAIN._replace(code="3.11-" + digest("other"), source="states.py:7")
    text = only(PLAIN, new).text
    assert text == f"source changed: {digest('code')[:8]} (states.py:3) → {digest('other')[:8]} (states.py:7)"


def test_another_python_is_told_as_such() -> None:
    new = PLAIN._replace(code="3.12-" + digest("other"))
    assert only(PLAIN, new).text == "source changed: Python 3.11 → Python 3.12"


def test_a_moved_function_is_no_change() -> None:
    assert changes(PLAIN, PLAIN._replace(source="elsewhere.py:99"), "it") == ()


def test_outputs_that_are_declared_anew() -> None:
    assert only(PLAIN, PLAIN._replace(outputs='["out"]')).text == "output out is new (declared)"
    assert altered("out", A, None).text == f"output out is gone (was {A[:8]})"
    assert altered("out", A, B).text == f"output out changed: {A[:8]} → {B[:8]}"


def test_reasons_that_are_no_differences() -> None:
    assert Change("forced", "it").text == "forced"
    assert Change("first", "it").text == "not evaluated yet"
    assert Change("check", "it").text == "not satisfied, as it says itself"
    assert Change("value", "it").text == "its value is needed and is not kept"


def test_params_in_any_order_are_the_same() -> None:
    assert params_text({"a": 1, "b": 2}, value_text) == params_text({"b": 2, "a": 1}, value_text)
