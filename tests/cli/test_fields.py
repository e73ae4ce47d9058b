"""Fields of pydantic models become options: what each is called, what it takes, what its help says."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from groundup.cli.fields import fields_of, metavar


class Level(IntEnum):
    """Numbers with names."""

    LOW = 1
    HIGH = 2


class Everything(BaseModel):
    """One field of each kind."""

    plain: str
    is_fast: bool = True
    level: Level = Level.LOW
    sizes: set[int] = {1}
    where: Path | None = None
    made: list[str] = Field(default_factory=list, description="What is [made].")
    old: int = Field(0, alias="new-name")
    either: int = Field(0, validation_alias=AliasChoices("one", "other"))
    both: tuple[int, str] = (1, "a")


def described(model: Any, required: str = "required") -> dict[str, tuple[str, str]]:
    """Return names and help of the options of a model, by key."""
    found = {}
    for field in fields_of(model, required=required):
        (option,) = field.parameter.annotation.__metadata__
        found[field.key] = (field.names, option.help)
    return found


def test_each_field_has_its_names_and_its_help() -> None:
    assert described(Everything) == {
        "plain": ("--plain", "\\[required]"),
        "is_fast": ("--is-fast/--no-is-fast", "\\[default: true]"),
        "level": ("--level", "\\[default: 1]"),
        "sizes": ("--sizes", "\\[default: {1}] \\[repeatable]"),
        "where": ("--where", ""),
        "made": ("--made", "What is \\[made]. \\[repeatable]"),
        "new-name": ("--new-name", "\\[default: 0]"),
        "one": ("--one", "\\[default: 0]"),
        "both": ("--both", "\\[default: (1, 'a')] [2 times]"),
    }


def test_what_stands_for_the_places_of_a_tuple_names_their_kinds() -> None:
    (field,) = (each for each in fields_of(Everything) if each.key == "both")
    (option,) = field.parameter.annotation.__metadata__
    assert option.metavar == "INT|TEXT"


def test_a_model_that_takes_names_has_them_as_options() -> None:
    class Named(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        old: int = Field(0, alias="new-name")

    assert list(described(Named)) == ["old"]


def test_no_option_has_a_value_of_its_own() -> None:
    assert {field.parameter.default for field in fields_of(Everything)} == {None}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (int, "INT"),
        (float | None, "FLOAT"),
        (str, "TEXT"),
        (Path, "PATH"),
        (Literal["a", 2], "a|2"),
        (Level, "1|2"),
        (Decimal, "VALUE"),
        (int | str, "VALUE"),
    ],
)
def test_what_stands_for_a_value_says_what_it_is(kind: Any, text: str) -> None:
    assert metavar(kind) == text


def test_an_alias_that_is_a_word_of_the_language_is_an_option() -> None:
    class Model(BaseModel):
        kind: str = Field("a", alias="class")

    assert [field.names for field in fields_of(Model)] == ["--class"]
