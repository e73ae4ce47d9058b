"""What is refused when a flow is saved, with the message that says why."""

from __future__ import annotations

from typing import Any

import pytest

from groundup.manager.engine.model import FlowDocument
from groundup.manager.engine.template import GraphTemplate, checked
from groundup.manager.errors import RejectedError
from groundup.nodes.wire import NodeTemplate
from tests.support.manager import place


def check(*nodes: NodeTemplate, name: str = "flow", **more: Any) -> GraphTemplate:
    return checked(name, "demo", FlowDocument(nodes=list(nodes), **more))


def refusal(*nodes: NodeTemplate, **more: Any) -> str:
    """The lines of the message between the protocol's first and last one."""
    with pytest.raises(RejectedError) as caught:
        check(*nodes, **more)
    first, *lines, last = str(caught.value).split("\n")
    assert first == "Error validating graph template: 1 validation error for GraphTemplate"
    assert last.startswith("    For further information visit")
    text = "\n".join(lines)
    assert "[type=value_error, input_value=" in text
    return text.partition(" [type=value_error")[0].strip()


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([place("a"), place("a")], "Node identifier a is not unique"),
        ([place("a", "b")], "Node identifier b does not exist in the graph"),
        ([place("a", "b"), place("b", unites="x")], "Node b has an unites target x that does not exist"),
        (
            [place("a", "b"), place("b", unites="b")],
            "Node b has an unites target b that is the same as the node itself",
        ),
        (
            [place("a"), place("b")],
            "There should be exactly one root node in the graph but found 2 nodes with zero in-degree: "
            "['a', 'b']",
        ),
        (
            [],
            "There should be exactly one root node in the graph but found 0 nodes with zero in-degree: []",
        ),
        (
            [place("a"), place("b", unites="a")],
            "Node b is not connected to the root node",
        ),
        (
            [place("a", "b"), place("b", "c"), place("c", "b")],
            "Node b is not acyclic\nNode c is not acyclic",
        ),
        (
            [place("a", "b", "c"), place("b"), place("c", unites="b")],
            "Node c has an unites target b that is not an ancestor of it",
        ),
        ([place("a", inputs={"x": 1})], "Input 1 is not a string"),
        (
            [place("a", "b", inputs={"x": "${{ b.outputs.y }}"}), place("b")],
            "Input ${{ b.outputs.y }} depends on b but b is not a parent of a",
        ),
        (
            [place("a", inputs={"x": "${{ store.k }}"})],
            "Input ${{ store.k }} depends on k but k is not a required key or a default value",
        ),
        (
            [place("a", inputs={"x": "${{ y }}"})],
            "Error creating dependent string for input ${{ y }} check syntax string: "
            "Invalid syntax string placeholder  y  for: ${{ y }}",
        ),
    ],
)
def test_malformed_flows_are_refused(nodes: list[NodeTemplate], message: str) -> None:
    assert refusal(*nodes) == f"Value error, {message}"


def test_a_flow_needs_a_name() -> None:
    assert refusal(place("a"), name=" ") == "name\n  Value error, Name cannot be empty"


def test_inputs_may_read_any_ancestor_and_the_store() -> None:
    reading = {"x": "${{ a.outputs.o }}", "y": "${{ store.k }} ${{ store.d }}"}
    config = {"required_keys": ["k"], "default_values": {"d": ""}}
    template = check(place("a", "b"), place("b", "c"), place("c", inputs=reading), store_config=config)
    assert template.nodes[2].inputs == reading


def test_a_join_reads_the_united_node_and_what_that_may_read_but_no_branch() -> None:
    def flow(text: str) -> list[NodeTemplate]:
        return [
            place("a", "b"),
            place("b", "c"),
            place("c", "d"),
            place("d", "e", unites="b", inputs={"x": text}),
            place("e", inputs={"x": text}),
        ]

    check(*flow("${{ a.outputs.o }} ${{ b.outputs.o }}"))
    unreadable = "Input ${{ c.outputs.o }} depends on c but c is not a parent of"
    expected = f"Value error, {unreadable} d\n{unreadable} e"
    assert refusal(*flow("${{ c.outputs.o }}")).replace("\n  ", "\n") == expected
