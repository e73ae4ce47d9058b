"""The specification of records, and the text of the module and of the page that are made from it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

TYPES = {"text": "str", "integer": "int", "amount": "Decimal", "day": "date"}


class Field(BaseModel):
    """One field of a record."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text", "integer", "amount", "day"]
    about: str
    optional: bool = False

    @property
    def annotation(self) -> str:
        """What stands behind the colon."""
        return f"{TYPES[self.type]} | None = None" if self.optional else TYPES[self.type]


class Record(BaseModel):
    """One record, with its fields by name."""

    model_config = ConfigDict(extra="forbid")

    about: str
    fields: dict[str, Field]


class Specification(BaseModel):
    """All records, by name."""

    model_config = ConfigDict(extra="forbid")

    records: dict[str, Record]

    def __str__(self) -> str:
        return ", ".join(self.records)


def module_text(specification: Specification) -> str:
    """Return the text of the module; required fields stand before optional ones."""
    lines = ['"""Generated from spec.toml."""', "", "from dataclasses import dataclass"]
    lines += ["from datetime import date", "from decimal import Decimal", ""]
    for name, record in specification.records.items():
        lines += ["", "@dataclass(frozen=True)", f"class {name}:", f'    """{record.about}"""', ""]
        fields = sorted(record.fields.items(), key=lambda item: item[1].optional)
        lines += [f"    {key}: {field.annotation}" for key, field in fields]
        lines += [""]
    return "\n".join(lines)


def page_text(specification: Specification) -> str:
    """Return the text of the page."""
    lines = ["# Models", ""]
    for name, record in specification.records.items():
        lines += [f"## {name}", "", record.about, "", "| field | type | about |", "|---|---|---|"]
        for key, field in record.fields.items():
            kind = f"{field.type}, optional" if field.optional else field.type
            lines.append(f"| `{key}` | {kind} | {field.about} |")
        lines.append("")
    return "\n".join(lines)
