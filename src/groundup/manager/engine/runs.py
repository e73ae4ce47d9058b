"""How a run starts: inputs and store of a trigger become the first node state."""

from __future__ import annotations

from collections.abc import Mapping

from groundup.manager.engine.model import Flow, NodeState, Tools
from groundup.manager.engine.placeholders import PlaceholderError, Reference, StoreReference, resolve
from groundup.manager.engine.retry import LONGEST
from groundup.manager.errors import RejectedError
from groundup.nodes.wire import TriggerRequest


def first_state(flow: Flow, run_id: str, request: TriggerRequest, tools: Tools) -> NodeState:
    """The node state of the root of ``flow``.

    :raises RejectedError: for a store key that is missing or a placeholder that the root cannot use.
    """
    inputs = root_inputs(flow, request)
    _check_required_keys(flow, request.store)
    first = NodeState.new(run_id, flow.version, flow.root, dict(inputs), tools)
    return first.but(enqueue_after=min(tools.now + request.start_delay, LONGEST))


def root_inputs(flow: Flow, request: TriggerRequest) -> dict[str, str]:
    """Inputs of the root: the caller's where given, else the template's; placeholders may name the store."""
    values = {**flow.document.store_config.default_values, **request.store}

    def lookup(reference: Reference) -> str:
        return _store_value(flow.root.identifier, reference, values)

    chosen = {field: request.inputs.get(field, text) for field, text in flow.root.inputs.items()}
    try:
        return {field: resolve(text, lookup) for field, text in chosen.items()}
    except PlaceholderError as error:
        raise RejectedError(f"Invalid input: 400: {error}", hint=error.hint) from error


def _store_value(root: str, reference: Reference, values: Mapping[str, str]) -> str:
    if not isinstance(reference, StoreReference):
        raise PlaceholderError(
            f"Root node can have only store identifier as dependent but got {reference.identifier}"
        )
    if reference.key not in values:
        raise PlaceholderError(f"Dependent {reference.key} not found in store for root node {root}")
    return values[reference.key]


def _check_required_keys(flow: Flow, store: Mapping[str, str]) -> None:
    missing = set(flow.document.store_config.required_keys) - set(store)
    if missing:
        names = ", ".join(repr(key) for key in sorted(missing))
        raise RejectedError(f"Missing store keys: {{{names}}}", hint="pass them in `store`")
