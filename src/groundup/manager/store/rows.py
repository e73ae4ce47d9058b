"""Node states as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, Row

from groundup.manager.engine.model import NodeState
from groundup.manager.store.json_text import decode, encode
from groundup.manager.store.schema import Json, node_states
from groundup.nodes.wire import StateStatus

_OF_THE_STORE = ("seq", "lease_until")

NAMES = tuple(column.name for column in node_states.c if column.name not in _OF_THE_STORE)
"""The columns that hold a node state."""

NUMBERS = frozenset(column.name for column in node_states.c if isinstance(column.type, Integer))
"""Those that are integers; all others are text."""

_JSON = tuple(column.name for column in node_states.c if isinstance(column.type, Json))
_STATUSES = {status.value: status for status in StateStatus}


def as_state(row: Row[Any]) -> NodeState:
    """The node state that a row holds, which SQLAlchemy has read."""
    fields = row._mapping
    return _state({name: fields[name] for name in NAMES})


def state_of(row: Sequence[Any]) -> NodeState:
    """The node state that a row of :data:`NAMES` holds, as the driver has it."""
    fields = dict(zip(NAMES, row, strict=True))
    for name in _JSON:
        if (text := fields[name]) is not None:
            fields[name] = decode(text)
    return _state(fields)


def values_of(state: NodeState) -> dict[str, Any]:
    """What stands in the row of ``state``, as drivers take it."""
    values = dict(vars(state))
    values["fanout"] = values.pop("group")
    values["status"] = state.status.value
    for name in _JSON:
        if (value := values[name]) is not None:
            values[name] = encode(value)
    return values


def _state(fields: dict[str, Any]) -> NodeState:
    fields["group"] = fields.pop("fanout")
    fields["status"] = _STATUSES[fields["status"]]
    return NodeState.of(fields)
