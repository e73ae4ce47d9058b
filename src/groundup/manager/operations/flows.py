"""Nodes and flows: registration, saving with verification, triggers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Set
from typing import Any

from sqlalchemy import Row

from groundup.manager.clock import iso
from groundup.manager.engine import runs as engine_runs
from groundup.manager.engine.model import FlowDocument
from groundup.manager.engine.schedule import Schedule
from groundup.manager.engine.template import checked
from groundup.manager.engine.verification import input_fields, verify
from groundup.manager.errors import NotFoundError, RejectedError, SecretKeyError
from groundup.manager.operations.context import Session
from groundup.manager.store import flows, nodes, runs, states, triggers
from groundup.nodes.wire import (
    CronTrigger,
    GraphResponse,
    RegisterNodesRequest,
    RegisterNodesResponse,
    StateStatus,
    TriggerModel,
    TriggerRequest,
    TriggerResponse,
    UpsertGraphRequest,
    ValidationStatus,
)

_HIDDEN = "********"
_NO_NEXT_TIME = "Validation failed due to unexpected error: {}"


def register_nodes(session: Session, namespace: str, request: RegisterNodesRequest) -> RegisterNodesResponse:
    """Make nodes known; what was registered under their names is replaced."""
    for node in request.nodes:
        nodes.register(session.connection, namespace, request.runtime_name, node, session.now)
    return RegisterNodesResponse(runtime_name=request.runtime_name, registered_nodes=request.nodes)


def list_nodes(session: Session, namespace: str) -> dict[str, Any]:
    """The nodes of ``namespace``."""
    found = [_node_item(row) for row in nodes.in_namespace(session.connection, namespace)]
    return {"namespace": namespace, "count": len(found), "nodes": found}


def list_namespaces(session: Session, among: Set[str] | None = None) -> dict[str, Any]:
    """Namespaces that have nodes; where ``among`` is given, those of it."""
    found = [name for name in nodes.namespaces(session.connection) if among is None or name in among]
    return {"namespaces": found, "count": len(found)}


def save_flow(session: Session, namespace: str, name: str, request: UpsertGraphRequest) -> GraphResponse:
    """Save a new version of a flow, verified against the nodes that are registered.

    Nothing is saved where the newest version says the same and is verified in the same way.

    :raises RejectedError: when it is malformed; nothing is saved then.
    """
    secrets = {key: session.context.cipher.encrypt(value) for key, value in request.secrets.items()}
    template = checked(name, namespace, request.model_copy(update={"secrets": secrets}))
    document = FlowDocument(**template.model_dump(exclude={"name", "namespace"}))
    places = {(node.namespace, node.node_name) for node in document.nodes}
    registry = nodes.registry(session.connection, places)
    document.input_fields = input_fields(document, registry)
    wanted, trigger_errors = first_times(document.triggers, session.now)
    errors = [*verify(document, registry), *trigger_errors]
    flow = _number_of_same(session, (namespace, name), document, errors)
    if flow is None:
        version = flows.Version(document, errors, session.context.cipher.key_id)
        flow = flows.save(session.connection, (namespace, name), version, session.now)
    triggers.keep(session.connection, triggers.Owner(flow, namespace, name), wanted, session.now)
    return get_flow(session, namespace, name)


def _number_of_same(
    session: Session, place: tuple[str, str], document: FlowDocument, errors: list[str]
) -> int | None:
    """The number of the flow at ``place`` where its newest version is this one already."""
    known = flows.find(session.connection, *place)
    if known is None or known.errors != errors:
        return None
    kept = FlowDocument.model_validate(known.document)
    try:
        same = _in_clear(session, kept) == _in_clear(session, document)
    except SecretKeyError:
        return None
    return flows.number(session.connection, *place) if same else None


def _in_clear(session: Session, document: FlowDocument) -> dict[str, Any]:
    secrets = {name: session.context.cipher.decrypt(text) for name, text in document.secrets.items()}
    return {**document.model_dump(mode="json"), "secrets": secrets}


def first_times(wanted: Iterable[TriggerModel], now: int) -> tuple[list[tuple[CronTrigger, int]], list[str]]:
    """Cron triggers with their first times, and what is wrong with those that have none.

    :raises RejectedError: for an expression or a time zone that is none.
    """
    found, errors = [], []
    for model in wanted:
        schedule = Schedule(model.value)
        try:
            found.append((model.value, next(schedule.after(now))))
        except RejectedError as error:
            errors.append(_NO_NEXT_TIME.format(error))
    return found, errors


def get_flow(session: Session, namespace: str, name: str) -> GraphResponse:
    """The newest version of a flow.

    :raises NotFoundError: when there is none.
    """
    row = flows.find(session.connection, namespace, name)
    if row is None:
        raise NotFoundError(f"Graph template {name} not found in namespace {namespace}")
    document = FlowDocument.model_validate(row.document)
    return GraphResponse(
        nodes=document.nodes,
        secrets=dict.fromkeys(document.secrets, True),
        retry_policy=document.retry_policy,
        store_config=document.store_config,
        triggers=document.triggers,
        created_at=iso(row.created_at),
        updated_at=iso(row.updated_at),
        validation_status=_validation_status(row),
        validation_errors=row.errors,
    )


def list_flows(session: Session, namespace: str) -> dict[str, Any]:
    """The newest versions of the flows of ``namespace``; of secrets only the names."""
    found = [_flow_item(row) for row in flows.in_namespace(session.connection, namespace)]
    return {"namespace": namespace, "count": len(found), "templates": found}


def trigger(
    session: Session, namespace: str, name: str, request: TriggerRequest, trigger_id: str | None = None
) -> TriggerResponse:
    """Start a run with the newest version of a flow.

    :param trigger_id: the cron trigger on whose behalf.
    :raises NotFoundError: when there is no such flow.
    :raises RejectedError: when it is not valid, or inputs or store do not fit it.
    """
    row = flows.current_version(session.connection, namespace, name)
    if row is None:
        raise NotFoundError(f"Graph template not found for namespace {namespace} and graph {name}")
    if row.errors:
        raise RejectedError("Graph template is not valid", hint="see its validation_errors")
    flow = session.flow(row.version)
    run_id = str(uuid.uuid4())
    first = engine_runs.first_state(flow, run_id, request, session.tools)
    runs.create(session.connection, run_id, flow, runs.Start(request.store, trigger_id), session.now)
    states.add(session.connection, [first])
    return TriggerResponse(status=StateStatus.CREATED, run_id=run_id)


def _validation_status(row: Row[Any]) -> ValidationStatus:
    return ValidationStatus.INVALID if row.errors else ValidationStatus.VALID


def _common_items(row: Row[Any]) -> dict[str, Any]:
    return {
        "_id": row.id,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
        "name": row.name,
        "namespace": row.namespace,
    }


def _flow_item(row: Row[Any]) -> dict[str, Any]:
    document = FlowDocument.model_validate(row.document)
    return {
        **_common_items(row),
        "validation_status": _validation_status(row),
        "validation_errors": row.errors,
        **document.model_dump(mode="json", exclude={"input_fields", "secrets"}),
        "secrets": dict.fromkeys(document.secrets, _HIDDEN),
    }


def _node_item(row: Row[Any]) -> dict[str, Any]:
    return {
        **_common_items(row),
        "runtime_name": row.runtime_name,
        "runtime_namespace": row.namespace,
        "inputs_schema": row.inputs_schema,
        "outputs_schema": row.outputs_schema,
        "secrets": row.secrets,
    }
