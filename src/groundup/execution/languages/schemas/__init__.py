"""The published JSON schemas: made of the models, and committed beside this file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NAMES = ("step", "given", "language")
_SHORT = ({"$ref": "#/$defs/Input"}, {"$ref": "#/$defs/Output"})  # may be the name of a type alone
_NULL = {"type": "null"}
_NOTHING: tuple[object, ...] = (None, "", {}, {"install": None, "supply": None, "run": None})


def published(name: str) -> str:
    """Return the text of a published schema.

    :param name: step (what a person writes), given (what an executable gets) or language (language.json).
    """
    return (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")


def made(name: str) -> str:
    """Return the text that a published schema is to have, by the models."""
    from groundup.execution.languages.model import GivenStep, LanguageFile, StepFile, Strict

    models: dict[str, type[Strict]] = {"step": StepFile, "given": GivenStep, "language": LanguageFile}
    schema = models[name].model_json_schema()
    for table in list(tables(schema)):
        _simplify(table)
    return as_text(schema)


def as_text(schema: dict[str, Any]) -> str:
    """Return the text of a file with a schema."""
    version = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**version, **schema}, indent=2) + "\n"


def tables(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield all tables in a schema, itself first."""
    if isinstance(schema, dict):
        yield schema
    for below in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from tables(below)


def _simplify(table: dict[str, Any]) -> None:
    """Say of a schema what pydantic does not: keys without a pattern, keys without null, short forms."""
    if "patternProperties" in table:
        table["additionalProperties"] = False
        table["patternProperties"] = {
            pattern: {"anyOf": [{"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$"}, below]}
            if below in _SHORT
            else below
            for pattern, below in table["patternProperties"].items()
        }
    if "default" in table and table["default"] in _NOTHING:
        del table["default"]
        choices = [choice for choice in table.get("anyOf", []) if choice != _NULL]
        if choices:
            del table["anyOf"]
            table |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    if isinstance(table.get("title"), str) and not table["title"].startswith("groundup "):
        del table["title"]
