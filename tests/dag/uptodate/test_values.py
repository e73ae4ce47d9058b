"""Values as text: stored only when what comes back is equal, of the same type, all the way down."""

from __future__ import annotations

import collections
import datetime
import subprocess
import sys
import typing
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from pathlib import Path, PurePath, PurePosixPath
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from groundup.dag.annotations import UNKNOWN
from groundup.dag.uptodate.values import from_text, to_text


class Color(Enum):
    RED = 1
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    YES = "yes"


class Access(Flag):
    READ = 1
    WRITE = 2


class Place(NamedTuple):
    row: int
    name: str


@dataclass(frozen=True)
class Tool:
    path: Path
    sizes: tuple[int, ...] = ()
    color: Color = Color.RED
    note: str = field(default="", compare=False)


@dataclass(eq=False)
class Known:
    name: str


class Model(BaseModel):
    number: int
    tools: dict[str, Tool] = {}
    words: set[str] = set()
    inner: Model | None = None


class Derived(Model):
    more: str = "x"


class Login(BaseModel):
    password: SecretStr


KEPT: list[tuple[Any, Any]] = [
    (None, None),
    (None, type(None)),
    (1, int),
    (10**40, int),
    (1.5, float),
    (-0.0, float),
    (1, float),
    (True, bool),
    ("", str),
    ("ü\x00\n\ud800", str),
    ([1, [2, {"a": None}]], UNKNOWN),
    ([1, "a"], Any),
    ([1], object),
    ([1], list),
    ({"a": 1}, dict),
    ([1, 2], list[int]),
    ({"b": [1], "a": []}, dict[str, list[int]]),
    (Path("a/ü"), Path),
    (PurePosixPath("a"), PurePosixPath),
    ([Path("a"), None], list[Path | None]),
    ({"a": Path("b")}, dict[str, Path]),
    ((1, "a"), tuple[int, str]),
    ((Path("a"), Path("b")), tuple[Path, ...]),
    ((), tuple[()]),
    ((1, 2), tuple),
    (None, Optional[str]),  # noqa: UP045 - another type of union than |
    ("a", Union[int, str]),  # noqa: UP007
    ("a", Literal["a", "b"]),
    ({1, 2}, set[int]),
    (frozenset({"a"}), frozenset[str]),
    ({1: "a"}, dict[int, str]),
    ([1], typing.Sequence[int]),
    (Color.BLUE, Color),
    (Level.LOW, Level),
    (Word.YES, Word),
    (Access.READ | Access.WRITE, Access),
    (Place(1, "a"), Place),
    (Tool(Path("a"), (1, 2), Color.BLUE, "n"), Tool),
    ([Tool(Path("a"))], list[Tool]),
    (Model(number=1, tools={"t": Tool(Path("p"))}, words={"a"}, inner=Model(number=2)), Model),
    (Derived(number=1), Derived),
    (b"abc", bytes),
    (datetime.datetime(2025, 1, 2, 3, 4, 5, 6), datetime.datetime),
    (datetime.timedelta(seconds=1.5), datetime.timedelta),
    (Decimal("1.10"), Decimal),
    (UUID(int=5), UUID),
    (collections.OrderedDict(a=1), collections.OrderedDict[str, int]),
    (5, Annotated[int, Field(gt=0)]),
]

NOT_KEPT: list[tuple[str, Any, Any]] = [
    ("not a number", float("nan"), float),
    ("not a number, inside", [float("nan")], list[float]),
    ("not a number, in a model's field", {"a": float("nan")}, dict[str, float]),
    ("endless", float("inf"), float),
    ("tuple without annotation", (1, 2), UNKNOWN),
    ("tuple inside of anything", {"a": (1,)}, dict[str, Any]),
    ("path without annotation", Path("a"), UNKNOWN),
    ("set without annotation", {1}, UNKNOWN),
    ("key that is no string", {1: 2}, dict),
    ("object", object(), object),
    ("class", int, type),
    ("function", len, UNKNOWN),
    ("annotation that cannot be resolved", 1, "Unresolved"),
    ("another type than annotated", "1", int),
    ("bool for an int", True, int),
    ("path for a string", Path("a"), str),
    ("path of another kind", Path("a"), PurePath),
    ("ambiguous union", Path("a"), str | Path),
    ("enum for a string", Word.YES, str),
    ("enum for an int", Level.LOW, int),
    ("subclass", Derived(number=1), Model),
    ("equal by identity alone", Known("a"), Known),
    ("secret", Login(password=SecretStr("x")), Login),
    ("bytes that are no text", b"\xff", bytes),
    ("number that is too long", 10**5000, int),
    ("named tuple as a tuple", Place(1, "a"), tuple[int, str]),
]


@pytest.mark.parametrize(
    ("value", "annotation"), KEPT, ids=lambda part: str(part)[:40].encode("ascii", "replace").decode()
)
def test_values_come_back(value: Any, annotation: Any) -> None:
    text = to_text(value, annotation)
    assert text is not None
    assert text.encode()
    back = from_text(text, annotation)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "annotation"), [row[1:] for row in NOT_KEPT], ids=[row[0] for row in NOT_KEPT]
)
def test_what_would_come_back_as_something_else_is_not_stored(value: Any, annotation: Any) -> None:
    assert to_text(value, annotation) is None


def test_fields_that_equality_leaves_out_are_kept() -> None:
    tool = Tool(Path("a"), note="remember")
    text = to_text(tool, Tool)
    assert text is not None
    assert from_text(text, Tool).note == "remember"


def test_what_contains_itself_is_not_stored() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert to_text(ring, list) is None
    assert to_text(ring, list[Any]) is None
    model = Model(number=1)
    model.inner = model
    assert to_text(model, Model) is None


def test_what_is_nested_too_deeply_is_not_stored() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert to_text(deep, list) is None


def test_values_whose_comparison_fails_are_not_stored() -> None:
    class Odd(BaseModel):
        number: int

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no")

        __hash__ = None  # type: ignore[assignment]

    assert to_text(Odd(number=1), Odd) is None


@pytest.mark.parametrize(
    ("text", "annotation"),
    [
        ('"a"', int),
        ("1", str),
        ("1", bool),
        ("true", int),
        ('"5"', int),
        ("[1]", list[str]),
        ("[1]", dict),
        ("[1, 2]", tuple[int]),
        ('"c"', Literal["a", "b"]),
        ('{"number": "x"}', Model),
        ("{}", Model),
        ('"green"', Color),
        ("1", None),
        ("1", Path),
        ("{", Any),
        ("", UNKNOWN),
        ("1", "Unresolved"),
    ],
)
def test_text_that_no_longer_fits_is_refused(text: str, annotation: Any) -> None:
    with pytest.raises(ValueError):
        from_text(text, annotation)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_all_json_comes_back(value: Any) -> None:
    for annotation in (UNKNOWN, Any):
        text = to_text(value, annotation)
        assert text is not None
        assert repr(from_text(text, annotation)) == repr(value)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from([*Color, *Level])
    | st.just(Path("p")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=6,
)
ANNOTATIONS = st.recursive(
    st.sampled_from(
        [None, bool, int, float, str, bytes, Path, Color, Level, Any, UNKNOWN, object, Literal[1, "a"]]
    ),
    lambda inner: st.one_of(
        inner.map(lambda member: list[member]),  # type: ignore[valid-type]
        inner.map(lambda member: dict[str, member]),  # type: ignore[valid-type]
        inner.map(lambda member: dict[int, member]),  # type: ignore[valid-type]
        inner.map(lambda member: tuple[member, ...]),  # type: ignore[valid-type]
        inner.map(lambda member: frozenset[member]),  # type: ignore[valid-type]
        st.tuples(inner, inner).map(lambda members: Union[members]),  # noqa: UP007
    ),
    max_leaves=4,
)


@given(ANYTHING, ANNOTATIONS)
def test_whatever_is_stored_comes_back_equal(value: Any, annotation: Any) -> None:
    text = to_text(value, annotation)
    if text is not None:
        assert repr(from_text(text, annotation)) == repr(value)


TYPES = st.recursive(
    st.sampled_from([type(None), bool, int, str, Color, Level, Path]),
    lambda inner: st.one_of(
        inner.map(lambda member: list[member]),  # type: ignore[valid-type]
        inner.map(lambda member: dict[str, member]),  # type: ignore[valid-type]
        st.tuples(inner, inner).map(lambda members: tuple[members]),  # type: ignore[valid-type]
    ),
    max_leaves=5,
)
SAFE = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
OF_TYPE = {str: SAFE, Path: SAFE.map(Path)}


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    members = [values_of(member) for member in typing.get_args(annotation)]
    origin = typing.get_origin(annotation)
    if origin is list:
        return st.lists(members[0], max_size=3)
    if origin is dict:
        return st.dictionaries(SAFE, members[1], max_size=3)
    if origin is tuple:
        return st.tuples(*members)
    return OF_TYPE[annotation] if annotation in OF_TYPE else st.from_type(annotation)


@given(st.data(), TYPES)
def test_whatever_an_annotation_describes_is_stored(data: st.DataObject, annotation: Any) -> None:
    value = data.draw(values_of(annotation))
    text = to_text(value, annotation)
    assert text is not None
    assert repr(from_text(text, annotation)) == repr(value)


@given(
    st.builds(
        Model, number=st.integers(-(2**62), 2**62), words=st.sets(st.text(st.characters(codec="utf-8")))
    )
)
def test_models_come_back(model: Model) -> None:
    text = to_text(model, Model)
    assert text is not None
    assert from_text(text, Model) == model


@given(st.text(), ANNOTATIONS)
def test_any_text_is_a_value_or_refused(text: str, annotation: Any) -> None:
    try:
        value = from_text(text, annotation)
    except ValueError:
        return
    again = to_text(value, annotation)
    assert again is None or from_text(again, annotation) == value


def test_plain_values_and_paths_do_not_import_pydantic() -> None:
    script = """
import sys
from pathlib import Path
from typing import Any, Literal
from groundup.dag.annotations import UNKNOWN
from groundup.dag.uptodate.values import from_text, to_text
for value, annotation in [
    (1, int), (None, None),
    ({"a": [1.5]}, dict[str, list[float]]), (Path("a"), Path), ([1], UNKNOWN), ([1], Any),
    ([Path("a")], list[Path]), ((1, "a"), tuple[int, str]), (None, Path | None), ("a", Literal["a"]),
]:
    assert from_text(to_text(value, annotation), annotation) == value
print("pydantic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
