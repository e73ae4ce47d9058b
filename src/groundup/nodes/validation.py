"""Whether classes can serve as nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, PydanticUserError

from groundup.nodes.base import BaseNode
from groundup.nodes.errors import RuntimeConfigurationError
from groundup.nodes.fields import wire_schema


def check_nodes(nodes: Sequence[type[Any]], *, in_processes: bool = False) -> None:
    """Check that every class can be registered and executed.

    :param in_processes: whether all run in processes of their own, those without limits too.
    :raises RuntimeConfigurationError: with everything that is wrong, a line each.
    """
    errors = [error for node in nodes for error in _errors_of(node)]
    errors += [error for node in nodes for error in _limit_errors(node, needed=in_processes)]
    names = Counter(node.__name__ for node in nodes)
    duplicates = [name for name, count in names.items() if count > 1]
    if duplicates:
        errors.append(f"Duplicate node class names found: {duplicates}")
    if errors:
        raise RuntimeConfigurationError(
            "Following errors while validating nodes: " + "\n".join(errors), hint="correct the node classes"
        )


def _errors_of(node: type[Any]) -> Iterator[str]:
    if not issubclass(node, BaseNode):
        yield f"{node.__name__} does not inherit from exospherehost.BaseNode"
    yield from _class_errors(node, "Inputs", "Outputs")
    yield from _class_errors(node, "Secrets")
    for part in ("Inputs", "Outputs", "Secrets"):
        yield from _field_errors(node, part)
    if issubclass(node, BaseNode):
        yield from node.problems()


def _class_errors(node: type[Any], *parts: str) -> Iterator[str]:
    for part in parts:
        if not hasattr(node, part):
            yield f"{node.__name__} does not have an {part} class"
    for part in parts:
        if hasattr(node, part) and _model(node, part) is None:
            yield f"{node.__name__} does not have an {part} class that inherits from pydantic.BaseModel"


def _field_errors(node: type[Any], part: str) -> Iterator[str]:
    model = _model(node, part)
    if model is None:
        return
    try:
        wire_schema(model)
    except PydanticUserError as error:
        yield f"{node.__name__}.{part} has a field that JSON cannot say: {error.message}"


def _limit_errors(node: type[Any], *, needed: bool) -> Iterator[str]:
    """A process has to import the node, so it must be at the top of a module."""
    if (needed or getattr(node, "limits", None)) and "<locals>" in node.__qualname__:
        yield f"{node.__name__} has limits, but is defined inside of a function: no process can import it"


def _model(node: type[Any], part: str) -> type[BaseModel] | None:
    model = getattr(node, part, None)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None
