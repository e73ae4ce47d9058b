"""The published JSON schema of flow files: made of the models, and committed beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundup.execution.languages.schemas import as_text, tables

FILE = Path(__file__).with_name("flow.schema.json")
_NULL = {"type": "null"}


def published() -> str:
    """Return the text of the published schema."""
    return FILE.read_text(encoding="utf-8")


def made() -> str:
    """Return the text that the published schema is to have, by the models."""
    from groundup.nodes.flow_files.model import FlowFile

    schema = FlowFile.model_json_schema()
    for table in list(tables(schema)):
        _simplify(table)
    return as_text(schema)


def _simplify(table: dict[str, Any]) -> None:
    """Leave out titles, and null where a key is left out instead."""
    if isinstance(table.get("title"), str) and not table["title"].startswith("groundup "):
        del table["title"]
    if "default" in table and table["default"] in (None, ""):
        del table["default"]
    choices = [choice for choice in table.get("anyOf", []) if choice != _NULL]
    if len(choices) == 1:
        del table["anyOf"]
        table.update(choices[0])
