"""The outputs of a step: read from what it wrote, checked, written as artifacts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from groundup.execution.languages.artifacts import read_written, write_artifact
from groundup.execution.languages.model import Output
from groundup.execution.languages.strict_json import parse
from groundup.execution.languages.types import TEXT_TYPES, Type, normal

_TOLD = 10  # files of a step that nobody declared, which messages name


def collect_outputs(
    folder: Path, declared: Mapping[str, Output], types: Mapping[str, Type]
) -> tuple[dict[str, Any], list[str]]:
    """Return the outputs that a step wrote into `folder`, by name, and all that is wrong with them."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        return {}, [f"the folder of outputs cannot be read: {error.strerror}"]
    try:
        return _collect(descriptor, declared, types)
    finally:
        os.close(descriptor)


def write_outputs(folder: Path, outputs: Mapping[str, Any]) -> None:
    """Write each output as ``NAME.json`` into a folder.

    :raises GroundupError: one cannot be written.
    """
    for name, value in outputs.items():
        write_artifact(folder / f"{name}.json", value)


def _collect(
    folder: int, declared: Mapping[str, Output], types: Mapping[str, Type]
) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, output in declared.items():
        try:
            value = _read(folder, name, output.type)
            wrong = list(types[output.type].problems(value))
        except ValueError as error:
            wrong = [str(error)]
        problems += [f"output {name}: {each}" for each in wrong]
        if not wrong:
            values[name] = normal(output.type, value)
    return values, problems + _undeclared(folder, declared)


def _read(folder: int, name: str, type_name: str) -> Any:
    """Return the value of an output; raises ValueError when there is none that can be read."""
    found = read_written(folder, f"{name}.json")
    text = read_written(folder, f"{name}.txt") if type_name in TEXT_TYPES else None
    if found is not None and text is not None:
        raise ValueError(f"there are both {name}.json and {name}.txt")
    if found is not None:
        return parse(found)
    if text is not None:
        return text.decode("utf-8") if type_name == "string" else parse(text)
    raise ValueError("it was not written")


def _undeclared(folder: int, declared: Mapping[str, Output]) -> list[str]:
    allowed = {f"{name}.json" for name in declared}
    allowed |= {f"{name}.txt" for name, output in declared.items() if output.type in TEXT_TYPES}
    problems = []
    names = sorted(set(os.listdir(folder)) - allowed)
    for name in names[:_TOLD]:
        near = get_close_matches(name.partition(".")[0], declared, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        problems.append(f"{name!r} was written and is not declared{hint}")
    if len(names) > _TOLD:
        problems.append(f"{len(names) - _TOLD} more files were written and are not declared")
    return problems
