"""Python dataclasses and their documentation, generated from spec.toml."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Literal

from groundup import UserError, state
from pydantic import BaseModel, ConfigDict, ValidationError

TYPES = {"text": "str", "integer": "int", "amount": "Decimal", "day": "date"}
MODULE = "generated/models.py"
PAGE = "generated/models.md"


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


@state(inputs=["spec.toml"])
def specification(repo_root: Path) -> Specification:
    """What spec.toml says is valid."""
    file = repo_root / "spec.toml"
    try:
        return Specification.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file}: {error}", hint="correct the file") from None
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise UserError(f"{file}: {'; '.join(wrong)}", hint="correct the file") from None


@state(outputs=[MODULE])
def models_module(repo_root: Path, specification: Specification) -> Path:
    """There is a module with a dataclass for each record."""
    return written(repo_root / MODULE, "\n".join(module_lines(specification)))


@state(outputs=[PAGE])
def models_page(repo_root: Path, specification: Specification) -> Path:
    """There is a page with a table for each record."""
    return written(repo_root / PAGE, "\n".join(page_lines(specification)))


@state(inputs=["check_models.py"])
def models_checked(repo_root: Path, models_module: Path) -> None:
    """The module can be imported, and its records are made, compared and copied."""
    subprocess.run([sys.executable, "-I", "check_models.py", models_module], cwd=repo_root, check=True)


@state(needs=["models_module", "models_page", "models_checked"])
def generated(repo_root: Path) -> Path:
    """Everything that spec.toml leads to is there and checked."""
    return repo_root / "generated"


def module_lines(specification: Specification) -> list[str]:
    """Return the lines of the module; required fields stand before optional ones."""
    lines = ['"""Generated from spec.toml."""', "", "from dataclasses import dataclass"]
    lines += ["from datetime import date", "from decimal import Decimal", ""]
    for name, record in specification.records.items():
        lines += ["", "@dataclass(frozen=True)", f"class {name}:", f'    """{record.about}"""', ""]
        fields = sorted(record.fields.items(), key=lambda item: item[1].optional)
        lines += [f"    {key}: {field.annotation}" for key, field in fields]
        lines += [""]
    return lines


def page_lines(specification: Specification) -> list[str]:
    """Return the lines of the page."""
    lines = ["# Models", ""]
    for name, record in specification.records.items():
        lines += [f"## {name}", "", record.about, "", "| field | type | about |", "|---|---|---|"]
        for key, field in record.fields.items():
            kind = f"{field.type}, optional" if field.optional else field.type
            lines.append(f"| `{key}` | {kind} | {field.about} |")
        lines.append("")
    return lines


def written(file: Path, text: str) -> Path:
    """Write a file, so that nobody sees half of it."""
    file.parent.mkdir(exist_ok=True)
    half = file.with_name(f"{file.name}.tmp")
    half.write_text(text, encoding="utf-8")
    half.replace(file)
    return file
