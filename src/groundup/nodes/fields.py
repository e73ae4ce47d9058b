"""Typed fields as text: what every state manager accepts, stores and puts together.

A field whose values are text in JSON (``str``, dates, enumerations of text) travels as that text, every other
one as JSON text. Reading is lenient: what is no JSON is taken as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from groundup.nodes.errors import NodesError

Model = TypeVar("Model", bound=BaseModel)
Schema = dict[str, Any]

_NOT_PLAIN = frozenset({"const", "contentMediaType", "enum", "format"})
_KEPT = ("title", "description")


class FieldsError(NodesError):
    """Values do not fit the fields of a node; the message shows none, for it is stored and may be read."""


def wire_schema(model: type[BaseModel]) -> Schema:
    """The JSON schema that a manager is told: every field a string, ``contentSchema`` says what is in it."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    if "$ref" in schema:  # a model that contains itself
        schema = {**_resolved(schema, definitions), "$defs": definitions}
    properties = schema.get("properties", {})
    told = {name: _told(field, definitions) for name, field in properties.items()}
    return {**schema, "properties": told}


def read_fields(model: type[Model], values: Mapping[str, Any]) -> Model:
    """The values of the wire as ``model``.

    :raises FieldsError: when they do not fit.
    """
    texts = _text_fields(model)
    parsed = {name: value if name in texts else _parsed(value) for name, value in values.items()}
    try:
        return _validated(model, parsed)
    except ValidationError as error:
        wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
        unparsed = {name: values[name] if name in wrong else value for name, value in parsed.items()}
        message = described(model, error)
    try:
        return _validated(model, unparsed)  # such as 5 for a field that is text or nothing
    except ValidationError:
        raise FieldsError(message) from None


def write_fields(instance: BaseModel) -> dict[str, str]:
    """The fields of ``instance`` as they travel."""
    texts = _text_fields(type(instance))
    values = instance.model_dump(mode="json", by_alias=True)
    return {
        name: value if name in texts and isinstance(value, str) else _json(value)
        for name, value in values.items()
    }


def _validated(model: type[Model], values: Mapping[str, Any]) -> Model:
    return model.model_validate_json(json.dumps(values))  # as JSON: then strict models take dates and tuples


def _told(field: Schema, definitions: Schema) -> Schema:
    if field.get("type") == "string" and not _NOT_PLAIN & field.keys():
        return field
    is_text = _is_text(field, definitions)
    told = {"type": "string", **{key: field[key] for key in _KEPT if key in field}}
    if "default" in field:
        told["default"] = field["default"] if is_text else _json(field["default"])
    media = "text/plain" if is_text else "application/json"
    return {**told, "contentMediaType": media, "contentSchema": field}


@lru_cache(maxsize=512)
def _text_fields(model: type[BaseModel]) -> frozenset[str]:
    """Names of the fields whose values are text in JSON; decimals are written so, though numbers are read."""
    return _texts_of(model, "serialization") | _texts_of(model, "validation")


def _texts_of(model: type[BaseModel], mode: Literal["validation", "serialization"]) -> frozenset[str]:
    schema = model.model_json_schema(mode=mode)
    definitions = schema.get("$defs", {})
    properties = _resolved(schema, definitions).get("properties", {})
    return frozenset(name for name, field in properties.items() if _is_text(field, definitions))


def _is_text(schema: Schema, definitions: Schema) -> bool:
    schema = _resolved(schema, definitions)
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        return all(isinstance(value, str) for value in values)
    parts = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if parts:
        return all(_is_text(part, definitions) for part in parts)
    return bool(schema.get("type") == "string")


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def described(model: type[BaseModel], error: ValidationError) -> str:
    """What does not fit, by field, without the values."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    lines = [
        f"{'.'.join(str(part) for part in problem['loc'])}\n  {problem['msg']} [type={problem['type']}]"
        for problem in problems
    ]
    plural = "" if len(lines) == 1 else "s"
    return "\n".join([f"{len(lines)} validation error{plural} for {model.__name__}", *lines])
