"""The reference of nodes and workers names what there is."""

from __future__ import annotations

import inspect
from dataclasses import fields

import groundup.testing
from groundup.nodes import NodeContext, ProjectNode, Runtime, ScriptNode, StateManager, StepNode, errors
from groundup.nodes.errors import NodesError
from tests.docs.pages import CHECKOUT
from tests.docs.tables import names, table

PAGE = (CHECKOUT / "docs/reference/nodes.md").read_text(encoding="utf-8")
TESTING = (CHECKOUT / "docs/how-to/test-a-node.md").read_text(encoding="utf-8")


def test_every_parameter_of_a_runtime_stands_there_with_its_default() -> None:
    parameters = dict(inspect.signature(Runtime.__init__).parameters)
    del parameters["self"]
    described = table(PAGE, "parameter")
    assert set(names(described)) == set(parameters)
    for row in described:
        for name in names([row]):
            default = parameters[name].default
            if isinstance(default, bool | int | str) and "," not in row[1]:
                assert str(default) in row[1], name


def test_every_method_of_the_client_stands_there() -> None:
    public = {name for name, _ in inspect.getmembers(StateManager, inspect.iscoroutinefunction)}
    assert set(names(table(PAGE, "method of the client"))) == {
        name for name in public if not name.startswith("_")
    }


def test_every_part_of_the_context_stands_there() -> None:
    public = {each.name for each in fields(NodeContext) if each.repr}
    assert set(names(table(PAGE, "field"))) == public | {"logger", "cancelled"}


def test_every_attribute_of_run_nodes_stands_there() -> None:
    for node in (ScriptNode, ProjectNode, StepNode):
        declared = {name for each in node.__mro__[:3] for name in inspect.get_annotations(each)}
        for name in declared - {"Inputs", "Outputs", "Secrets", "inputs", "secrets", "context", "limits"}:
            assert f"`{name}`" in PAGE, (node, name)


def test_every_error_stands_there() -> None:
    public = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert set(names(table(PAGE, "error"))) == {
        name for name in public if issubclass(getattr(errors, name), NodesError)
    } - {"NodesError"}


def test_every_name_for_tests_stands_there() -> None:
    for name in groundup.testing.__all__:
        assert f"`{name}" in TESTING
