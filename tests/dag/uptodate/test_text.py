"""Stable text: equal values have one text in every process, others another."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from groundup.dag.uptodate.text import digest, short, stable_text

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers())
    ),
    max_leaves=12,
)


class Color(Enum):
    RED = 1
    BLUE = 2


class Number(IntEnum):
    RED = 1


class Word(str):
    pass


class Pair(NamedTuple):
    one: int
    two: int


@dataclass
class Tool:
    name: str
    flags: list[str] = field(default_factory=list)


class Model(BaseModel):
    name: str
    colors: set[Color] = set()


class Login(BaseModel):
    password: SecretStr


DISTINCT: list[Any] = [
    None, True, 1, 1.0, 1j, "1", b"1", bytearray(b"1"), [1], (1,), {1}, frozenset({1}), {1: 1},
    OrderedDict({1: 1}), Word("1"), Color.RED, Color.BLUE, Number.RED, Pair(1, 2), (1, 2), Path("1"),
    PurePosixPath("1"), Decimal("1"), Decimal("1.0"), UUID(int=1), datetime.date(2025, 1, 1),
    datetime.timedelta(1), range(1), slice(1), Tool("a"), Tool("a", ["b"]), Model(name="a"),
    Model(name="b"), Login(password=SecretStr("a")), Login(password=SecretStr("b")), 0.0, -0.0, [], (), {},
    "", [[]], 10**5000, 10**5000 + 1,
]  # fmt: skip


def test_values_that_differ_have_different_texts() -> None:
    texts = [stable_text(value) for value in DISTINCT]
    assert None not in texts
    assert len(set(texts)) == len(DISTINCT)


@given(VALUES, VALUES)
def test_texts_are_equal_when_the_values_are_written_alike(one: Any, other: Any) -> None:
    if stable_text(one) == stable_text(other):
        assert type(one) is type(other)
        assert one == other
    else:
        assert repr(one) != repr(other)


@given(st.permutations(["a", "b", "c", "d", "e"]))
def test_sets_have_one_text_whatever_their_order(members: list[str]) -> None:
    assert stable_text(set(members)) == stable_text(set("abcde"))


def test_the_order_of_a_mapping_counts() -> None:
    assert stable_text({"a": 1, "b": 2}) != stable_text({"b": 2, "a": 1})
    assert stable_text(MappingProxyType({"a": 1})) is not None


@pytest.mark.parametrize("value", [object(), len, int, lambda: 1, [object()], Tool(name=object())])  # type: ignore[arg-type]
def test_what_is_known_by_its_address_alone_has_no_text(value: object) -> None:
    assert stable_text(value) is None


def test_what_is_nested_too_deeply_has_no_text() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert stable_text(deep) is None


def test_what_contains_itself_has_a_text() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    assert stable_text(ring) is not None


def test_secrets_are_not_in_the_text() -> None:
    assert "hunter2" not in str(stable_text(Login(password=SecretStr("hunter2"))))


def test_another_process_writes_the_same() -> None:
    script = (
        "from groundup.dag.uptodate.text import stable_text; from pathlib import Path\n"
        "print(stable_text([{'a', 'b', 'c'}, frozenset({Path('x'), Path('y')}), {'k': (1, 2.5)}]))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    }
    assert len(texts) == 1


def test_digests_take_any_text() -> None:
    assert digest("a") != digest("b")
    assert len(digest("\udc80")) == len(digest("")) == 32


def test_long_texts_are_shortened() -> None:
    assert short("a" * 60) == "a" * 60
    assert short("a" * 61) == "a" * 59 + "…"
