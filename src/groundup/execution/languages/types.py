"""Types of inputs and outputs: the built-in ones, JSON schemas, pydantic models."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from groundup.execution.languages.errors import StepError, needing_extra
from groundup.execution.languages.model import CustomType, Schema
from groundup.execution.languages.strict_json import dump, parse

if TYPE_CHECKING:
    from pydantic import BaseModel

    from groundup.execution.languages.step import Step

Problems = Callable[[Any], Iterator[str]]
TEXT_TYPES = ("string", "int", "float")  # those whose values have a plain text


class Type(NamedTuple):
    """A type: what is wrong with a value of it, and the JSON schema that says the same."""

    problems: Problems
    schema: Schema


def types_of(step: Step) -> Mapping[str, Type]:
    """Return the built-in types and those that a step declares, by name.

    :raises StepError: a declared one is no JSON schema and no pydantic model; says file, line and key.
    """
    own = {name: _declared(step, name, custom) for name, custom in step.file.types.items()}
    return {**BUILT_IN, **own}


def from_text(type_name: str, text: str) -> Any:
    """Return the value that a text stands for: itself for a string, else what it means as JSON.

    :raises ValueError: it is no JSON.
    """
    return text if type_name == "string" else parse(text)


def to_text(value: str | float) -> str:
    """Return the plain text of a value of a type in `TEXT_TYPES`."""
    return value if isinstance(value, str) else dump(value).decode().strip()


def normal(type_name: str, value: Any) -> Any:
    """Return a value, which is right, in the one form that its type has: a float has a fraction."""
    return float(value) if type_name == "float" else value


def _string(value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{shown(value)} is no string"


def _int(value: Any) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield f"{shown(value)} is no int"


def _float(value: Any) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield f"{shown(value)} is no float"
        return
    try:
        finite = math.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        yield f"{shown(value)} is too large for a float"


def _json(_value: Any) -> Iterator[str]:
    yield from ()


BUILT_IN: Mapping[str, Type] = {
    "string": Type(_string, {"type": "string"}),
    "int": Type(_int, {"type": "integer"}),
    "float": Type(_float, {"type": "number"}),
    "json": Type(_json, True),
}


def shown(value: Any) -> str:
    """Return the beginning of a value as JSON, for a message."""
    text = dump(value).decode().strip()
    return text if len(text) <= 60 else f"{text[:57]}..."


def _declared(step: Step, name: str, custom: CustomType) -> Type:
    keys = ("types", name, "model" if custom.model else "schema")
    try:
        if custom.model:
            return _by_model(custom.model)
        schema = custom.json_schema
        if isinstance(schema, str):
            schema = parse(step.inside(schema, *keys).read_bytes())
        return by_schema(schema)
    except (ValueError, OSError) as error:
        place = step.document.place(keys)
        raise StepError(f"{place}: {'.'.join(keys)}: {error}", hint="correct the type") from error


def by_schema(schema: Any, formats: Mapping[str, Callable[[Any], bool]] | None = None) -> Type:
    """Return the type of all values that a JSON schema allows; it refers to nothing outside of itself.

    :param formats: further formats, by name: whether a value has it.
    :raises ValueError: it is no JSON schema.
    """
    with needing_extra():
        import jsonschema
        from referencing import Registry

    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"it is no JSON schema: {_described(error)}") from error
    checker = jsonschema.FormatChecker(formats=())
    checker.checkers = {name: (is_one, ()) for name, is_one in (formats or {}).items()}
    validator = kind(schema, registry=Registry(), format_checker=checker)

    def problems(value: Any) -> Iterator[str]:
        from referencing.exceptions import Unresolvable

        try:
            yield from map(_described, sorted(validator.iter_errors(value), key=lambda each: each.json_path))
        except Unresolvable as error:
            yield f"the schema refers to {error.ref}, which it does not contain"
        except RecursionError:
            yield "the schema refers to itself without end, or the value is nested too deeply"

    return Type(problems, schema)


def _described(error: Any) -> str:
    path = error.json_path.removeprefix("$").removeprefix(".")
    message = error.message if len(error.message) <= 200 else f"{error.message[:197]}..."
    return f"{path}: {message}" if path else message


def _by_model(named: str) -> Type:
    from pydantic import ValidationError

    model = _import_model(named)

    def problems(value: Any) -> Iterator[str]:
        try:
            model.model_validate_json(dump(value))
        except ValidationError as error:
            for each in error.errors(include_url=False):
                path = ".".join(map(str, each["loc"]))
                yield f"{path}: {each['msg']}" if path else each["msg"]

    return Type(problems, model.model_json_schema())


def _import_model(named: str) -> type[BaseModel]:
    """Return a pydantic model of groundup's own environment; code of a step is never imported here."""
    from pydantic import BaseModel

    module, _, name = named.partition(":")
    if module.rpartition(".")[2] == "__main__":
        raise ValueError(f"{module} is a program")
    try:
        model = getattr(importlib.import_module(module), name, None)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
    if isinstance(model, type) and issubclass(model, BaseModel):
        return model
    raise ValueError(f"{module} has no pydantic model {name}")
