"""A step, read from its file and checked as far as the file alone allows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from groundup.execution.languages.documents import Document, Keys, read_document
from groundup.execution.languages.errors import StepError
from groundup.execution.languages.model import (
    BUILT_IN_TYPES,
    CustomType,
    Input,
    Output,
    StepFile,
    Strict,
    Timeouts,
)

OWN_VARIABLES = "GROUNDUP_STEP"


@dataclass(frozen=True)
class Step:
    """What a step file says.

    :ivar name: what messages and folders call it.
    :ivar file: what it says.
    :ivar folder: the folder of the step file, which its own paths are relative to.
    :ivar document: for places in messages.
    """

    name: str
    file: StepFile
    folder: Path
    document: Document

    def inside(self, relative: str, *keys: str | int) -> Path:
        """Return the path of a file in the step's folder that is named under `keys`.

        :raises StepError: it is not inside of the folder, symbolic links followed, or is no file.
        """
        path = Path(os.path.realpath(self.folder / relative))
        if not path.is_relative_to(os.path.realpath(self.folder)):
            reason = f"it is not inside of {self.folder}"
        elif not path.is_file():
            reason = f"there is no file {path}"
        else:
            return path
        place = self.document.place(keys)
        raise StepError(f"{place}: {_dotted(keys)}: {relative!r}: {reason}", hint="correct the path")


def read_step(path: str | os.PathLike[str]) -> Step:
    """Return the step that a file in YAML, JSON or TOML describes.

    :raises StepError: it cannot be read, or is not a step file; says file, line and key of all that is wrong.
    """
    absolute = Path(path).absolute()
    document = read_document(absolute)
    file = _validated(document)
    problems = list(_cross_checked(file))
    if problems:
        raise _wrong(document, problems)
    return Step(file.name or _name_from(absolute), file, absolute.parent, document)


def _validated(document: Document) -> StepFile:
    try:
        return StepFile.model_validate(document.value)
    except ValidationError as error:
        raise _wrong(document, [_described(each) for each in error.errors(include_url=False)]) from None


def _cross_checked(file: StepFile) -> Iterator[tuple[Keys, str]]:
    """Yield what is wrong between parts of the file that are right each for itself."""
    known = [*BUILT_IN_TYPES, *file.types]
    for name in file.types:
        if name in BUILT_IN_TYPES:
            yield ("types", name), "a type of this name is built in"
    for kind, table in (("inputs", file.inputs), ("outputs", file.outputs)):
        for name, declared in table.items():
            if declared.type not in known:
                near = _did_you_mean(declared.type, known)
                yield (kind, name, "type"), f"there is no type {declared.type!r}{near}"
    for name in file.env:
        if name.startswith(OWN_VARIABLES):
            yield ("env", name), f"variables that begin with {OWN_VARIABLES} are groundup's own"


def _described(error: Any) -> tuple[Keys, str]:
    keys: Keys = tuple(part for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        known = _keys_at(keys)
        return keys, f"unknown key{_did_you_mean(str(keys[-1]), known) or '; known: ' + ', '.join(known)}"
    if error["type"] == "missing":
        return keys, "it is missing"
    if error["type"] == "model_type":
        return keys, "it is no table of keys and values"
    return keys, str(error["msg"]).removeprefix("Value error, ")


def _keys_at(keys: Keys) -> list[str]:
    """Return the keys that are known in the table which has the last of `keys`."""
    models: dict[str, type[Strict]] = {
        "inputs": Input,
        "outputs": Output,
        "types": CustomType,
        "timeouts": Timeouts,
    }
    model = StepFile if len(keys) == 1 else models.get(str(keys[0]), StepFile)
    return [field.alias or name for name, field in model.model_fields.items()]


def _did_you_mean(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _wrong(document: Document, problems: list[tuple[Keys, str]]) -> StepError:
    lines = [f"{document.place(keys)}: {_dotted(keys) or 'the step'}: {text}" for keys, text in problems]
    return StepError("\n".join(lines), hint="`groundup step schema` prints the schema of step files")


def _dotted(keys: Keys) -> str:
    return ".".join(map(str, keys))


def _name_from(path: Path) -> str:
    name = re.sub(r"[^a-z0-9-]", "-", path.stem.lower()).strip("-")[:63]
    if not name:
        raise StepError(f"{path}: no name can be made of the file's", hint="write the key name into it")
    return name
