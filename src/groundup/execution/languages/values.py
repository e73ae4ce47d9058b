"""The values of a step's inputs: what the caller gives, else what the step file says; all checked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from groundup.execution.languages.artifacts import read_artifact
from groundup.execution.languages.errors import StepError
from groundup.execution.languages.step import Step
from groundup.execution.languages.strict_json import plain
from groundup.execution.languages.types import Type, from_text, normal

Artifacts = Mapping[str, str | os.PathLike[str]]


def values_from_texts(step: Step, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that texts stand for: a string as it is, everything else as JSON.

    :raises StepError: a text is no JSON.
    """
    values, problems = {}, []
    for name, text in texts.items():
        declared = step.file.inputs.get(name)
        try:
            values[name] = from_text(declared.type if declared else "string", text)
        except ValueError as error:
            problems.append(_told(step, name, f"{text!r} is no JSON: {error}"))
    if problems:
        raise StepError("\n".join(problems), hint="values of all types but string are written as JSON")
    return values


def input_values(
    step: Step, types: Mapping[str, Type], values: Mapping[str, Any], artifacts: Artifacts
) -> dict[str, Any]:
    """Return the value of each input, of the type that it is to have.

    :param values: what the caller gives; it comes before what the step file says.
    :param artifacts: JSON files that the caller gives.
    :raises StepError: says all that is wrong: unknown, given twice, missing, or not of its type.
    """
    problems = list(_unfit(step, [*values, *artifacts]))
    found: dict[str, Any] = {}
    for name, declared in step.file.inputs.items():
        try:
            value = _value(step, name, values, artifacts)
            wrong = list(types[declared.type].problems(value))
        except ValueError as error:
            wrong = [str(error)]
        problems += [_told(step, name, each) for each in wrong]
        if not wrong:
            found[name] = normal(declared.type, value)
    if problems:
        raise StepError("\n".join(problems), hint="correct the inputs; nothing was started")
    return found


def _value(step: Step, name: str, values: Mapping[str, Any], artifacts: Artifacts) -> Any:
    """Return the value of an input, as the caller gives it or else the step file; raises ValueError."""
    declared = step.file.inputs[name]
    if name in values:
        return plain(values[name])
    if name in artifacts:
        return read_artifact(Path(artifacts[name]))
    if declared.artifact is not None:
        return read_artifact(step.inside(declared.artifact, "inputs", name, "artifact"))
    if declared.has_value:
        return declared.value
    raise ValueError(f"no value is given for this {declared.type}")


def _unfit(step: Step, names: list[str]) -> Iterator[str]:
    known = list(step.file.inputs)
    for name in dict.fromkeys(names):
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
            yield f"{step.document.name}: there is no input {name!r}; {hint}"
        elif names.count(name) > 1:
            yield f"{step.document.name}: the input {name!r} is given twice"


def _told(step: Step, name: str, what: str) -> str:
    return f"{step.document.place(('inputs', name))}: input {name}: {what}"
