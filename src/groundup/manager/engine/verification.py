"""Second stage of verification: whether a flow fits the nodes that are registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from groundup.manager.engine.model import FlowDocument
from groundup.manager.engine.placeholders import (
    BranchesReference,
    OutputReference,
    StoreReference,
    references,
)
from groundup.nodes.wire import NodeRegistration, NodeTemplate

Registry = Mapping[tuple[str, str], NodeRegistration]
"""(namespace, name) → registered node."""

_OTHER_FORMATS = frozenset({"date", "time", "date-time", "duration", "email", "uri", "uuid", "binary"})


def verify(document: FlowDocument, registry: Registry) -> list[str]:
    """Everything that keeps the flow from running with these nodes; empty when it is valid."""
    return [
        *_missing_nodes(document, registry),
        *_missing_secrets(document, registry),
        *_wrong_inputs(document, registry),
        *_wrong_references(document, registry),
    ]


def input_fields(document: FlowDocument, registry: Registry) -> dict[str, list[str]]:
    """Identifier → input fields that its node declares, for the nodes that are registered."""
    return {
        node.identifier: list(_properties(registry[node.namespace, node.node_name].inputs_schema))
        for node in document.nodes
        if (node.namespace, node.node_name) in registry
    }


def is_text(schema: Any) -> bool:
    """Whether a field with this JSON schema takes any text."""
    return (
        isinstance(schema, dict)
        and schema.get("type") == "string"
        and schema.get("format") not in _OTHER_FORMATS
        and not schema.keys() & {"enum", "const"}
    )


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    return properties if isinstance(properties, dict) else {}


def _place(node: NodeTemplate) -> str:
    return f"node {node.node_name} in namespace {node.namespace}"


def _registered(document: FlowDocument, registry: Registry) -> list[NodeRegistration]:
    found = [registry.get((node.namespace, node.node_name)) for node in document.nodes]
    return [registration for registration in found if registration is not None]


def _missing_nodes(document: FlowDocument, registry: Registry) -> Iterator[str]:
    for node in document.nodes:
        if (node.namespace, node.node_name) not in registry:
            yield f"Node {node.node_name} in namespace {node.namespace} does not exist."


def _missing_secrets(document: FlowDocument, registry: Registry) -> Iterator[str]:
    required = [name for registration in _registered(document, registry) for name in registration.secrets]
    for name in dict.fromkeys(required):
        if name not in document.secrets:
            yield f"Secret {name} is required but not present in the graph template"


def _wrong_inputs(document: FlowDocument, registry: Registry) -> Iterator[str]:
    for node in document.nodes:
        registration = registry.get((node.namespace, node.node_name))
        if registration is None:
            yield f"Node {node.node_name} in namespace {node.namespace} does not exist"
            continue
        for field, schema in _properties(registration.inputs_schema).items():
            if not is_text(schema):
                yield f"Input {field} in {_place(node)} is not a string"
            if field not in node.inputs:
                yield f"Input {field} in {_place(node)} is not present in the graph template"


def _wrong_references(document: FlowDocument, registry: Registry) -> Iterator[str]:
    nodes = {node.identifier: node for node in document.nodes}
    for node in document.nodes:
        conditions = (condition.value for condition in (node.conditions or {}).values())
        for text in (*node.inputs.values(), *conditions):
            for reference in references(text):
                if not isinstance(reference, StoreReference):
                    yield from _wrong_reference(reference, nodes, registry)


def _wrong_reference(
    reference: OutputReference | BranchesReference, nodes: Mapping[str, NodeTemplate], registry: Registry
) -> Iterator[str]:
    node = nodes.get(reference.identifier)
    if node is None:
        yield f"Node {reference.identifier} does not exist in the graph template"
        return
    registration = registry.get((node.namespace, node.node_name))
    if registration is None:
        return
    schema = _properties(registration.outputs_schema).get(reference.field)
    if schema is None:
        yield f"Field {reference.field} in {_place(node)} does not exist"
    elif isinstance(reference, OutputReference) and not is_text(schema):
        yield f"Field {reference.field} in {_place(node)} is not a string"
