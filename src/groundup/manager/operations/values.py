"""The store of a run: read and written by people, and by nodes while they are executed."""

from __future__ import annotations

from groundup.manager.engine.claims import Claim, holds
from groundup.manager.errors import NotFoundError, RejectedError
from groundup.manager.operations.context import Session
from groundup.manager.store import runs, states
from groundup.nodes.wire import extensions


def of_run(session: Session, namespace: str, run_id: str) -> extensions.StoreValues:
    """The store of a run.

    :raises NotFoundError: when there is no such run in this namespace.
    """
    run = runs.find(session.connection, namespace, run_id)
    if run is None:
        raise NotFoundError("Run not found")
    return _values(session, run_id, run.flow_version)


def change_of_run(
    session: Session, namespace: str, run_id: str, changes: extensions.StoreChanges
) -> extensions.StoreValues:
    """Set values in the store of a run; gives it as it is then.

    :raises NotFoundError: when there is no such run in this namespace.
    """
    if runs.find(session.connection, namespace, run_id) is None:
        raise NotFoundError("Run not found")
    _change(session, run_id, changes)
    return of_run(session, namespace, run_id)


def of_state(session: Session, namespace: str, state_id: str) -> extensions.StoreValues:
    """The store of the run that a node state belongs to.

    :raises NotFoundError: when there is no such node state of a node of this namespace.
    """
    state = states.find(session.connection, Claim.parse(state_id).state_id)
    if state is None or state.namespace != namespace:
        raise NotFoundError("State not found")
    return _values(session, state.run_id, state.flow_version)


def change_of_state(
    session: Session, namespace: str, state_id: str, changes: extensions.StoreChanges
) -> extensions.StoreValues:
    """Set values in the store of the run that a node state belongs to, while it is executed.

    :raises NotFoundError: when there is no such node state of a node of this namespace.
    :raises RejectedError: when the claim no longer holds.
    """
    claim = Claim.parse(state_id)
    state = states.find(session.connection, claim.state_id)
    if state is None or state.namespace != namespace:
        raise NotFoundError("State not found")
    if not holds(state, claim):
        raise RejectedError("State is not queued", hint="the claim no longer holds")
    _change(session, state.run_id, changes)
    return _values(session, state.run_id, state.flow_version)


def _change(session: Session, run_id: str, changes: extensions.StoreChanges) -> None:
    runs.lock(session.connection, run_id, alone=True)
    runs.set_values(session.connection, run_id, changes.values)


def _values(session: Session, run_id: str, flow_version: int) -> extensions.StoreValues:
    defaults = session.flow(flow_version).document.store_config.default_values
    return extensions.StoreValues(values={**defaults, **runs.stored_values(session.connection, run_id)})
