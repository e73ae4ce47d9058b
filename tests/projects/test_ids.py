"""Ids are plain folder names; everything else is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.projects.ids import check_id, id_from_stem


@pytest.mark.parametrize("project_id", ["a", "0", "hello", "a.b_c-d", "a..b", "x" * 64])
def test_plain_names_are_ids(project_id: str) -> None:
    assert check_id(project_id) == project_id


@pytest.mark.parametrize(
    "project_id",
    [
        *("", ".", "..", "../escaped", "a/b", "a\\b", "/abs", ".hidden", "-x", "_x", "Hello"),
        *("a b", "a\n", "é", "a\0", "x" * 65),
    ],
)
def test_anything_else_is_refused(project_id: str) -> None:
    with pytest.raises(UserError, match=re.escape(repr(project_id))) as refused:
        check_id(project_id)
    assert "a-z 0-9" in refused.value.hint


@pytest.mark.parametrize(
    ("stem", "project_id"),
    [("hello", "hello"), ("My Script", "my-script"), ("a+b", "a-b"), ("_own", "own"), ("Größe", "gr--e")],
)
def test_the_default_id_is_the_stem_in_lower_case(stem: str, project_id: str) -> None:
    assert id_from_stem(stem) == project_id


def test_a_stem_of_which_nothing_is_left_asks_for_an_id() -> None:
    with pytest.raises(UserError, match="no id can be made"):
        id_from_stem("__")


@given(st.text())
def test_a_default_id_is_always_an_id(stem: str) -> None:
    try:
        assert check_id(id_from_stem(stem))
    except UserError as refused:
        assert "no id can be made" in str(refused)
