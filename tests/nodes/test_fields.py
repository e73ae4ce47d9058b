"""Typed fields travel as text that any manager stores, and come back as they were."""

from __future__ import annotations

import enum
import json
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model

from groundup.nodes.fields import FieldsError, read_fields, wire_schema, write_fields


class Colour(enum.StrEnum):
    RED = "red"


class Point(BaseModel):
    x: int
    y: float = 0.5


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


def one(annotation: Any, value: Any) -> tuple[BaseModel, str]:
    """A model with one field of this type and value, and how it travels."""
    instance = create_model("One", field=(annotation, ...))(field=value)
    return instance, write_fields(instance)["field"]


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (str, "as it is", "as it is"),
        (str, '{"a": 1}', '{"a": 1}'),
        (str, "", ""),
        (Literal["a", "b"], "a", "a"),
        (Colour, Colour.RED, "red"),
        (Path, Path("a/b"), "a/b"),
        (date, date(2026, 1, 2), "2026-01-02"),
        (datetime, datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00Z"),
        (timedelta, timedelta(hours=1), "PT1H"),
        (uuid.UUID, uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (int, 5, "5"),
        (bool, True, "true"),
        (float, 0.5, "0.5"),
        (Decimal, Decimal("0.10000000000000000000001"), "0.10000000000000000000001"),
        (str | None, None, "null"),
        (str | None, "x", '"x"'),
        (str | None, "null", '"null"'),
        (Literal["a", 1], "a", '"a"'),
        (list[str], ["ä"], '["ä"]'),
        (tuple[int, str], (1, "a"), '[1, "a"]'),
        (set[int], {1}, "[1]"),
        (Point, Point(x=1), '{"x": 1, "y": 0.5}'),
        (Tree, Tree(name="a", children=[Tree(name="b")]), None),
        (dict[str, list[Point]], {"a": [Point(x=1)]}, None),
        (JsonValue, {"a": [None, 1.5]}, '{"a": [null, 1.5]}'),
    ],
)
def test_a_value_comes_back_as_it_was(annotation: Any, value: Any, text: str | None) -> None:
    instance, travelling = one(annotation, value)
    assert text is None or travelling == text
    assert read_fields(type(instance), {"field": travelling}) == instance


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_any_json_comes_back(value: Any) -> None:
    instance, travelling = one(JsonValue, value)
    assert read_fields(type(instance), {"field": travelling}) == instance


@given(st.none() | st.integers() | st.text() | st.booleans())
def test_alternatives_come_back_with_their_type(value: Any) -> None:
    instance, travelling = one(bool | int | str | None, value)
    assert read_fields(type(instance), {"field": travelling}) == instance


def test_what_a_person_writes_without_quotes_is_read_too() -> None:
    class Inputs(BaseModel):
        name: str | None
        label: str | None
        size: int

    read = read_fields(Inputs, {"name": "bob", "label": "5", "size": " 7 "})
    assert (read.name, read.label, read.size) == ("bob", "5", 7)


def test_values_that_are_not_text_are_taken_as_they_are() -> None:
    assert read_fields(Point, {"x": 3, "y": "1"}) == Point(x=3, y=1)


def test_strict_models_take_what_json_can_say() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(strict=True)
        day: date
        parts: tuple[int, ...]

    value = Strict(day=date(2026, 1, 2), parts=(1, 2))
    assert read_fields(Strict, write_fields(value)) == value


def test_aliases_are_the_names_that_travel() -> None:
    class Named(BaseModel):
        number: Annotated[int, Field(alias="theNumber")]

    value = Named.model_validate({"theNumber": 5})
    assert write_fields(value) == {"theNumber": "5"}
    assert list(wire_schema(Named)["properties"]) == ["theNumber"]
    assert read_fields(Named, {"theNumber": "5"}) == value


def test_plain_text_fields_are_registered_as_they_are() -> None:
    class Inputs(BaseModel):
        """What goes in."""

        a: str
        b: Annotated[str, Field(min_length=1)] = "x"

    assert wire_schema(Inputs) == Inputs.model_json_schema()


def test_typed_fields_are_registered_as_strings_with_a_schema_of_their_content() -> None:
    class Inputs(BaseModel):
        count: int = 5
        day: date = Field(description="When")
        point: Point

    schema = wire_schema(Inputs)
    assert schema["properties"] == {
        "count": {
            "type": "string",
            "title": "Count",
            "default": "5",
            "contentMediaType": "application/json",
            "contentSchema": {"default": 5, "title": "Count", "type": "integer"},
        },
        "day": {
            "type": "string",
            "title": "Day",
            "description": "When",
            "contentMediaType": "text/plain",
            "contentSchema": {"description": "When", "format": "date", "title": "Day", "type": "string"},
        },
        "point": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/$defs/Point"},
        },
    }
    assert schema["$defs"]["Point"]["properties"]["x"]["type"] == "integer"
    assert schema["required"] == ["day", "point"]


def test_a_model_that_contains_itself_is_registered_too() -> None:
    assert wire_schema(Tree)["properties"]["children"]["type"] == "string"
    json.dumps(wire_schema(Tree))


def test_errors_name_the_field_and_show_no_value() -> None:
    with pytest.raises(FieldsError) as caught:
        read_fields(Point, {"x": "s3cret"})
    assert str(caught.value).splitlines()[:2] == ["1 validation error for Point", "x"]
    assert "s3cret" not in str(caught.value)
