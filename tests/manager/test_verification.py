"""Whether a flow fits the registered nodes."""

from __future__ import annotations

from typing import Any

import pytest

from groundup.manager.engine.model import FlowDocument
from groundup.manager.engine.verification import input_fields, is_text, verify
from groundup.nodes.wire import NodeRegistration, NodeTemplate
from tests.support.manager import NAMESPACE, place, registration


def errors(nodes: list[NodeTemplate], *known: NodeRegistration, **more: Any) -> list[str]:
    registry = {(NAMESPACE, node.name): node for node in known}
    return verify(FlowDocument(nodes=nodes, **more), registry)


def test_a_flow_that_fits_has_no_errors() -> None:
    flow = [
        place("a", "b", node="Source", inputs={"seed": "1"}),
        place("b", node="Sink", inputs={"text": "${{ a.outputs.word }}", "more": "not declared"}),
    ]
    source = registration("Source", inputs="seed", outputs="word", secrets="token")
    assert errors(flow, source, registration("Sink", inputs="text"), secrets={"token": "t"}) == []


def test_nodes_that_are_not_registered_are_named_twice_as_the_protocol_does() -> None:
    assert errors([place("a", node="Gone")]) == [
        "Node Gone in namespace demo does not exist.",
        "Node Gone in namespace demo does not exist",
    ]


def test_secrets_that_a_node_requires_must_be_given_once() -> None:
    flow = [place("a", "b"), place("b")]
    assert errors(flow, registration("Node", secrets="x y"), secrets={"y": ""}) == [
        "Secret x is required but not present in the graph template"
    ]


def test_every_declared_input_must_be_given_and_take_text() -> None:
    node = registration("Node", inputs="given missing")
    node.inputs_schema["properties"]["number"] = {"type": "integer"}
    assert errors([place("a", inputs={"given": "", "number": "1"})], node) == [
        "Input missing in node Node in namespace demo is not present in the graph template",
        "Input number in node Node in namespace demo is not a string",
    ]


def test_referenced_outputs_must_exist_and_be_text() -> None:
    source = registration("Source", outputs="word")
    source.outputs_schema["properties"]["count"] = {"type": "integer"}
    text = "${{ a.outputs.word }} ${{ a.outputs.gone }} ${{ a.outputs.count }}"
    flow = [place("a", "b", node="Source"), place("b", node="Sink", inputs={"text": text})]
    assert errors(flow, source, registration("Sink", inputs="text")) == [
        "Field gone in node Source in namespace demo does not exist",
        "Field count in node Source in namespace demo is not a string",
    ]


def test_the_declared_input_fields_are_kept_per_identifier() -> None:
    document = FlowDocument(nodes=[place("a", "b"), place("b", node="Gone")])
    registry = {(NAMESPACE, "Node"): registration("Node", inputs="x y")}
    assert input_fields(document, registry) == {"a": ["x", "y"]}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, True),
        ({"type": "string", "title": "T", "default": "", "maxLength": 3}, True),
        ({"type": "string", "format": "date-time"}, False),
        ({"type": "string", "enum": ["a"]}, False),
        ({"const": "a", "type": "string"}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, False),
        ({}, False),
        (None, False),
    ],
)
def test_only_plain_text_counts_as_text(schema: Any, expected: bool) -> None:
    assert is_text(schema) is expected
