"""First stage of verification: whether a flow is well formed in itself.

What is wrong here is refused when the flow is saved. :mod:`~groundup.manager.engine.verification` is the
second stage, against the registered nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError, field_validator, model_validator

from groundup.manager.engine import graph, placeholders
from groundup.manager.engine.model import FlowDocument
from groundup.manager.engine.placeholders import (
    BranchesReference,
    OutputReference,
    PlaceholderError,
    StoreReference,
)
from groundup.manager.errors import RejectedError
from groundup.nodes.wire import NodeTemplate


class GraphTemplate(FlowDocument):
    """A flow with its name, checked when it is made."""

    name: str
    namespace: str

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("Name cannot be empty")
        return value

    @field_validator("namespace")
    @classmethod
    def _check_namespace(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("Namespace cannot be empty")
        return value

    @model_validator(mode="after")
    def _check_structure(self) -> GraphTemplate:
        for check in CHECKS:
            errors = list(check(self))
            if errors:
                raise ValueError("\n".join(errors))
        return self


def checked(name: str, namespace: str, document: BaseModel) -> GraphTemplate:
    """The template, when every check passes.

    :raises RejectedError: with the message of the first check that fails.
    """
    fields: dict[str, Any] = {"name": name, "namespace": namespace, **document.model_dump(mode="json")}
    try:
        return GraphTemplate.model_validate(fields)
    except ValidationError as error:
        raise RejectedError(f"Error validating graph template: {error}", hint="correct the flow") from error


def _unique_identifiers(template: GraphTemplate) -> Iterator[str]:
    seen: set[str] = set()
    for node in template.nodes:
        if node.identifier in seen:
            yield f"Node identifier {node.identifier} is not unique"
        seen.add(node.identifier)


def _known_next_nodes(template: GraphTemplate) -> Iterator[str]:
    known = {node.identifier for node in template.nodes}
    for node in template.nodes:
        for identifier in node.next_nodes:
            if identifier not in known:
                yield f"Node identifier {identifier} does not exist in the graph"


def _known_unites(template: GraphTemplate) -> Iterator[str]:
    known = {node.identifier for node in template.nodes}
    for node in template.nodes:
        if node.unites is None:
            continue
        target = node.unites.identifier
        if target not in known:
            yield f"Node {node.identifier} has an unites target {target} that does not exist"
        elif target == node.identifier:
            yield f"Node {node.identifier} has an unites target {target} that is the same as the node itself"


def _one_root(template: GraphTemplate) -> Iterator[str]:
    found = graph.roots(template.nodes)
    if len(found) != 1:
        yield (
            "There should be exactly one root node in the graph but found "
            f"{len(found)} nodes with zero in-degree: {found}"
        )


def _connected(template: GraphTemplate) -> Iterator[str]:
    root = graph.roots(template.nodes)[0]
    connected = graph.reachable(root, graph.successors(template.nodes))
    for node in template.nodes:
        if node.identifier not in connected:
            yield f"Node {node.identifier} is not connected to the root node"


def _acyclic(template: GraphTemplate) -> Iterator[str]:
    if len(graph.topological_order(template.nodes)) == len(template.nodes):
        return
    edges = graph.successors(template.nodes)
    for node in template.nodes:
        if any(node.identifier in graph.reachable(following, edges) for following in node.next_nodes):
            yield f"Node {node.identifier} is not acyclic"


def _unites_ancestors(template: GraphTemplate) -> Iterator[str]:
    edges = graph.successors(template.nodes)
    for node in template.nodes:
        if node.unites and node.identifier not in graph.reachable(node.unites.identifier, edges):
            target = node.unites.identifier
            yield f"Node {node.identifier} has an unites target {target} that is not an ancestor of it"


def _known_conditions(template: GraphTemplate) -> Iterator[str]:
    joins = {node.identifier for node in template.nodes if node.unites}
    for node in template.nodes:
        for identifier in node.conditions or {}:
            if identifier not in node.next_nodes:
                yield f"Node {node.identifier} has a condition for {identifier} that is no next node of it"
            elif identifier in joins:
                yield f"Node {node.identifier} has a condition for {identifier} that unites: joins have none"


def _known_dependencies(template: GraphTemplate) -> Iterator[str]:
    readable = graph.readable(template.nodes)
    united = graph.united(template.nodes)
    store_keys = {*template.store_config.required_keys, *template.store_config.default_values}
    for node in template.nodes:
        for value in node.inputs.values():
            yield from _dependency_errors(
                node, value, _Known(readable[node.identifier], united[node.identifier], store_keys)
            )
        own = _Known({*readable[node.identifier], node.identifier}, frozenset(), store_keys)
        for condition in (node.conditions or {}).values():
            yield from _dependency_errors(node, condition.value, own)


class _Known(NamedTuple):
    """What the inputs of a node may refer to."""

    readable: Set[str]
    united: Set[str]
    store_keys: Set[str]


def _dependency_errors(node: NodeTemplate, value: Any, known: _Known) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"Input {value} is not a string"
        return
    try:
        references = placeholders.references(value)
    except PlaceholderError as error:
        yield f"Error creating dependent string for input {value} check syntax string: {error}"
        return
    for reference in references:
        match reference:
            case OutputReference(name) if name not in known.readable:
                yield f"Input {value} depends on {name} but {name} is not a parent of {node.identifier}"
            case BranchesReference(name) if name not in known.united:
                yield f"Input {value} depends on all of {name} but {node.identifier} does not unite {name}"
            case StoreReference(key) if key not in known.store_keys:
                yield f"Input {value} depends on {key} but {key} is not a required key or a default value"


CHECKS: tuple[Callable[[GraphTemplate], Iterator[str]], ...] = (
    _unique_identifiers,
    _known_next_nodes,
    _known_unites,
    _one_root,
    _connected,
    _acyclic,
    _unites_ancestors,
    _known_conditions,
    _known_dependencies,
)
"""In the order in which they are made; the first that finds something ends the verification."""
