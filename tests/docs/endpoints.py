"""The page of the state manager's endpoints, made of its OpenAPI description.

Run as `python -m tests.docs.endpoints` at the root of the checkout to write it anew.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from groundup.manager.api.app import create_api
from groundup.manager.operations.context import Context
from groundup.manager.secrets import SecretCipher, generate_key
from groundup.manager.service import ManagerService
from groundup.manager.store.database import Database
from tests.docs.pages import CHECKOUT

PAGE = CHECKOUT / "docs/reference/state-manager-endpoints.md"
INTRODUCTION = """\
# Endpoints of the state manager

Made of the OpenAPI description that every manager serves at `/openapi.json`, and shows at `/docs`. What holds
for all requests, refusals among them, stands in [the state manager](state-manager.md). A field without a
default must be given.
"""
GROUPS = {
    "work": "What workers call",
    "nodes": "Nodes and namespaces",
    "flows": "Flows and triggers",
    "runs": "Runs and node states",
    "keys": "Keys",
    "health": "Health",
}
_REFERENCE = "#/components/schemas/"

Json = dict[str, Any]


def described() -> Json:
    """The OpenAPI description."""
    with tempfile.TemporaryDirectory() as folder, closing(Database(Path(folder, "manager.db"))) as database:
        service = ManagerService(database, Context(SecretCipher(generate_key())))
        return create_api(service, "key").openapi()


def text_of(document: Json) -> str:
    """The page for a description."""
    return "\n".join([INTRODUCTION, *_endpoints(document), *_bodies(document)])


def _endpoints(document: Json) -> Iterator[str]:
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for tag, title in GROUPS.items():
        yield f"## {title}\n"
        for name, operation in operations:
            if operation["tags"] == [tag]:
                yield f"### {name}\n"
                yield from _endpoint(operation)


def _endpoint(operation: Json) -> Iterator[str]:
    yield f"{operation['description']}\n"
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            yield f"- parameter `{parameter['name']}`: {_type(parameter['schema'])}"
    if "requestBody" in operation:
        yield f"- body: {_type(_schema(operation['requestBody']))}"
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield f"- {status}: {_type(_schema(answer))}"
    yield ""


def _schema(holder: Json) -> Json:
    ((kind, content),) = holder["content"].items()
    return content["schema"] if kind == "application/json" else {"type": kind}


def _bodies(document: Json) -> Iterator[str]:
    yield "## Bodies\n"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"### {_title(name)}\n"
        if "description" in schema:
            yield f"{_text(schema['description'])}\n"
        if "enum" in schema:
            yield "\n".join(f"- `{value}`" for value in schema["enum"]) + "\n"
        if schema.get("properties"):
            yield "| field | type | default |\n|---|---|---|"
            yield from (_field(schema, *field) for field in schema["properties"].items())
            yield ""


def _text(description: str) -> str:
    """A docstring as the page has it: its paragraphs, without its fields."""
    text, _, _ = description.partition("\n:")
    return text.strip().replace("``", "`")


def _field(schema: Json, name: str, field: Json) -> str:
    default = "" if name in schema.get("required", ()) else _default(field)
    return f"| `{name}` | {_type(field)} | {default} |"


def _default(field: Json) -> str:
    """What a field is when it is not given; descriptions lack what is made anew each time."""
    if "default" in field:
        return f"`{json.dumps(field['default'], ensure_ascii=False)}`"
    if "anyOf" in field:
        return "`null`"
    return {"array": "`[]`", "object": "`{}`"}.get(field.get("type", ""), "its own defaults")


def _title(name: str) -> str:
    return name.replace("-Input", " (sent)").replace("-Output", " (answered)")


def _type(schema: Json) -> str:
    """A type in a few words, with its limits."""
    if "$ref" in schema:
        name = _title(schema["$ref"].removeprefix(_REFERENCE))
        return f"[{name}](#{name.lower().replace(' ', '-').replace('(', '').replace(')', '')})"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_type(each) for each in schema[several])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    return _plain(schema) + _limits(schema)


def _plain(schema: Json) -> str:
    kind = schema.get("type", "any JSON")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    values = schema.get("additionalProperties")
    if kind == "object" and isinstance(values, dict):
        return f"object of {_type(values)}"
    return "text" if kind == "string" else f"`{kind}`" if "/" in kind else str(kind)


def _limits(schema: Json) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "minLength": "characters at least",
        "maxLength": "characters at most",
        "minItems": "entries at least",
        "maxItems": "entries at most",
    }
    told = [f"{word} {schema[name]:g}" for name, word in words.items() if name in schema]
    return f", {', '.join(told)}" if told else ""


if __name__ == "__main__":
    PAGE.write_text(text_of(described()), encoding="utf-8")
