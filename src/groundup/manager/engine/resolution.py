"""From the template of a node to the inputs of one node state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from groundup.manager.engine.model import Flow, NodeState, View
from groundup.manager.engine.placeholders import (
    BranchesReference,
    OutputReference,
    PlaceholderError,
    Reference,
    StoreReference,
    resolve,
)
from groundup.nodes.wire import NodeTemplate

Outputs = Mapping[str, Mapping[str, Any]]
"""Identifier → outputs that may be read."""

Branches = Callable[[str], Sequence[Mapping[str, Any]]]
"""Identifier → outputs of all its node states that a join unites."""


def lineage_outputs(state: NodeState, view: View) -> Outputs:
    """Outputs of ``state`` and of everything that led to it, by identifier."""
    by_id = view.outputs(state.parents.values())
    found = {identifier: by_id[state_id] for identifier, state_id in state.parents.items()}
    return {**found, state.identifier: state.outputs}


def no_branches(_identifier: str) -> Sequence[Mapping[str, Any]]:
    """What nodes that join nothing may read of branches."""
    return ()


def inputs_of(  # noqa: PLR0913, PLR0917 - all that placeholders may refer to
    flow: Flow,
    node: NodeTemplate,
    run_id: str,
    outputs: Callable[[], Outputs],
    view: View,
    branches: Branches = no_branches,
) -> dict[str, Any]:
    """Inputs of ``node``: the fields that it declares, placeholders resolved.

    :raises PlaceholderError: for an output or a store value that is not there.
    """
    declared = flow.document.input_fields.get(node.identifier, list(node.inputs))
    lookup = _lookup(flow, node, run_id, outputs, view, branches)
    return {field: resolve(node.inputs[field], lookup) for field in declared if field in node.inputs}


def follows(
    flow: Flow, state: NodeState, identifier: str, outputs: Callable[[], Outputs], view: View
) -> bool:
    """Whether the node ``identifier`` follows ``state``: where it has a condition, that must hold.

    :raises PlaceholderError: for an output or a store value that is not there.
    """
    node = flow.nodes[state.identifier]
    condition = (node.conditions or {}).get(identifier)
    if condition is None:
        return True
    return condition.holds(
        resolve(condition.value, _lookup(flow, node, state.run_id, outputs, view, no_branches))
    )


def _lookup(  # noqa: PLR0913, PLR0917 - all that placeholders may refer to
    flow: Flow,
    node: NodeTemplate,
    run_id: str,
    outputs: Callable[[], Outputs],
    view: View,
    branches: Branches,
) -> Callable[[Reference], Any]:
    def lookup(reference: Reference) -> Any:
        if isinstance(reference, StoreReference):
            return _store_value(flow, run_id, reference, view)
        if isinstance(reference, BranchesReference):
            return [_field(node, reference, fields) for fields in branches(reference.identifier)]
        return _output_value(node, reference, outputs())

    return lookup


def _store_value(flow: Flow, run_id: str, reference: StoreReference, view: View) -> str:
    values = view.store_values(run_id)
    if reference.key in values:
        return values[reference.key]
    default = flow.document.store_config.default_values.get(reference.key)
    if default is None:
        raise PlaceholderError(
            f"Store value not found for field '{reference.key}' in namespace '{flow.namespace}' "
            f"and graph '{flow.name}'"
        )
    return default


def _output_value(node: NodeTemplate, reference: OutputReference, outputs: Outputs) -> Any:
    if reference.identifier not in outputs:
        raise PlaceholderError(
            f"Identifier '{reference.identifier}' not found in parents for template '{node.identifier}'"
        )
    return _field(node, reference, outputs[reference.identifier])


def _field(
    node: NodeTemplate, reference: OutputReference | BranchesReference, fields: Mapping[str, Any]
) -> Any:
    if reference.field not in fields:
        raise PlaceholderError(
            f"Field '{reference.field}' not found in the outputs of '{reference.identifier}' "
            f"for template '{node.identifier}'"
        )
    return fields[reference.field]
