"""Placeholders in inputs: what is one, what is not, and what stands in its place."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.manager.engine.placeholders import (
    OutputReference,
    PlaceholderError,
    Reference,
    StoreReference,
    parse,
    references,
    resolve,
)

names = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8)
literals = st.text(max_size=12).filter(lambda text: "$" not in text and "{" not in text)
spaces = st.text(" \t", max_size=2)


@st.composite
def placeholders(draw: st.DrawFn) -> tuple[str, Reference]:
    def gap() -> str:
        return draw(spaces)

    if draw(st.booleans()):
        key = draw(names)
        return f"${{{{{gap()}store{gap()}.{gap()}{key}{gap()}}}}}", StoreReference(key)
    identifier, field = draw(names), draw(names)
    text = f"${{{{{gap()}{identifier}{gap()}.{gap()}outputs{gap()}.{gap()}{field}{gap()}}}}}"
    return text, OutputReference(identifier, field)


@given(st.lists(st.tuples(literals, placeholders()), max_size=4), literals)
def test_any_mixture_of_text_and_placeholders_resolves_piece_by_piece(
    pieces: list[tuple[str, tuple[str, Reference]]], tail: str
) -> None:
    text = "".join(literal + written for literal, (written, _) in pieces) + tail
    expected = "".join(f"{literal}<{reference}>" for literal, (_, reference) in pieces) + tail
    assert resolve(text, lambda reference: f"<{reference}>") == expected
    assert references(text) == [reference for _, (_, reference) in pieces]


@given(st.text())
def test_text_without_the_opening_mark_is_itself(text: str) -> None:
    plain = text.replace("${{", "")
    assert resolve(plain, lambda _: pytest.fail("nothing to look up")) == plain


@given(st.text(max_size=40))
def test_a_resolved_value_is_not_parsed_again(value: str) -> None:
    assert resolve("${{ store.k }}", lambda _: value) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${{ a.outputs }}", "Invalid syntax string placeholder  a.outputs  for: ${{ a.outputs }}"),
        ("${{a.inputs.b}}", "Invalid syntax string placeholder a.inputs.b for: ${{a.inputs.b}}"),
        ("${{store.a.b}}", "Invalid syntax string placeholder store.a.b for: ${{store.a.b}}"),
        ("${{}}", "Invalid syntax string placeholder  for: ${{}}"),
        (
            "x ${{a.outputs.b",
            "Invalid syntax string placeholder a.outputs.b for: x ${{a.outputs.b '${' not closed",
        ),
    ],
)
def test_malformed_placeholders_are_named(text: str, message: str) -> None:
    with pytest.raises(PlaceholderError) as caught:
        parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (None, "null"), ([1, "ä"], '[1,"ä"]'), ({"a": True}, '{"a":true}'), ("1", "1")],
)
def test_values_that_are_no_text_travel_as_json(value: Any, text: str) -> None:
    assert resolve("${{ a.outputs.b }}", lambda _: value) == text
