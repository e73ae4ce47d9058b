"""The endpoints of the protocol."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from groundup.manager.api import answers
from groundup.manager.api.auth import REFUSALS, KeyedRoute, access_of, documented_key
from groundup.manager.api.bodies import UpsertGraph
from groundup.manager.operations import flows, outcomes, reports
from groundup.manager.service import ManagerService
from groundup.nodes.wire import (
    EnqueueRequest,
    EnqueueResponse,
    ErroredRequest,
    ExecutedRequest,
    GraphResponse,
    ManualRetryRequest,
    NodeDetails,
    PruneRequest,
    ReEnqueueAfterRequest,
    RegisterNodesRequest,
    RegisterNodesResponse,
    RunGraph,
    RunsResponse,
    TriggerRequest,
    TriggerResponse,
    extensions,
)

router = APIRouter(prefix="/v0", route_class=KeyedRoute, dependencies=[documented_key], responses=REFUSALS)

_NAMESPACE = "/namespace/{namespace_name}"
_FLOW = _NAMESPACE + "/graph/{graph_name}"
_STATE = _NAMESPACE + "/state/{state_id}"

_LARGEST_NUMBER = 2**31 - 1
Page = Annotated[int, Path(ge=1, le=_LARGEST_NUMBER)]
Size = Annotated[int, Path(ge=0, le=_LARGEST_NUMBER)]


def service(request: Request) -> ManagerService:
    """The manager behind this application."""
    found: ManagerService = request.app.state.service
    return found


def as_json(model: BaseModel) -> Response:
    """The answer that is ``model``, which need not be checked again."""
    return Response(model.model_dump_json(), media_type="application/json")


@router.get("/namespaces", tags=["nodes"], response_model=answers.Namespaces)
async def list_namespaces(request: Request) -> dict[str, Any]:
    """Namespaces that have registered nodes."""
    return await service(request).read(flows.list_namespaces, access_of(request).namespaces)


@router.put(_NAMESPACE + "/nodes/", tags=["nodes"])
async def register_nodes(
    request: Request, namespace_name: str, body: RegisterNodesRequest
) -> RegisterNodesResponse:
    """Register the nodes of a runtime, replacing those of the same names."""
    return await service(request).write(flows.register_nodes, namespace_name, body)


@router.get(_NAMESPACE + "/nodes/", tags=["nodes"], response_model=answers.RegisteredNodes)
async def list_nodes(request: Request, namespace_name: str) -> dict[str, Any]:
    """The registered nodes of a namespace."""
    return await service(request).read(flows.list_nodes, namespace_name)


@router.put(_FLOW, status_code=201, tags=["flows"])
async def upsert_graph(
    request: Request, namespace_name: str, graph_name: str, body: UpsertGraph
) -> GraphResponse:
    """Save a new version of a flow; the answer says whether it is valid."""
    for node in body.nodes:
        access_of(request).require(node.namespace)
    return await service(request).write(flows.save_flow, namespace_name, graph_name, body)


@router.get(_FLOW, tags=["flows"])
async def get_graph(request: Request, namespace_name: str, graph_name: str) -> GraphResponse:
    """The newest version of a flow."""
    return await service(request).read(flows.get_flow, namespace_name, graph_name)


@router.get(_NAMESPACE + "/graphs/", tags=["flows"], response_model=answers.GraphTemplates)
async def list_graphs(request: Request, namespace_name: str) -> dict[str, Any]:
    """The flows of a namespace."""
    return await service(request).read(flows.list_flows, namespace_name)


@router.post(_FLOW + "/trigger", tags=["runs"])
async def trigger(
    request: Request, namespace_name: str, graph_name: str, body: TriggerRequest
) -> TriggerResponse:
    """Start a run."""
    return await service(request).change(flows.trigger, namespace_name, graph_name, body)


@router.post(_NAMESPACE + "/states/enqueue", tags=["work"], response_model=EnqueueResponse)
async def enqueue(request: Request, namespace_name: str, body: EnqueueRequest) -> Response:
    """Claim node states to execute."""
    return as_json(await service(request).enqueue(namespace_name, body, request.is_disconnected))


@router.post(_STATE + "/executed", tags=["work"], response_model=answers.Executed)
async def executed(
    request: Request, namespace_name: str, state_id: str, body: ExecutedRequest
) -> dict[str, Any]:
    """Report that a node ran."""
    outcome = extensions.ExecutedOutcome(outcome="executed", state_id=state_id, outputs=body.outputs)
    return await service(request).record(namespace_name, outcome)


@router.post(_STATE + "/errored", tags=["work"], response_model=answers.Errored)
async def errored(
    request: Request, namespace_name: str, state_id: str, body: ErroredRequest
) -> dict[str, Any]:
    """Report that a node failed."""
    outcome = extensions.ErroredOutcome(outcome="errored", state_id=state_id, error=body.error)
    return await service(request).record(namespace_name, outcome)


@router.post(_STATE + "/prune", tags=["work"], response_model=answers.Pruned)
async def prune(request: Request, namespace_name: str, state_id: str, body: PruneRequest) -> dict[str, Any]:
    """End a branch."""
    outcome = extensions.PrunedOutcome(outcome="prune", state_id=state_id, data=body.data)
    return await service(request).record(namespace_name, outcome)


@router.post(_STATE + "/re-enqueue-after", tags=["work"], response_model=answers.ReEnqueued)
async def re_enqueue_after(
    request: Request, namespace_name: str, state_id: str, body: ReEnqueueAfterRequest
) -> dict[str, Any]:
    """Run a node state again later."""
    outcome = extensions.RequeuedOutcome(
        outcome="re-enqueue-after", state_id=state_id, enqueue_after=body.enqueue_after
    )
    return await service(request).record(namespace_name, outcome)


@router.post(_STATE + "/manual-retry", tags=["runs"], response_model=answers.Retried)
async def manual_retry(
    request: Request, namespace_name: str, state_id: str, body: ManualRetryRequest
) -> dict[str, Any]:
    """Run a node state that has ended again."""
    return await service(request).change(outcomes.manual_retry, namespace_name, state_id, body)


@router.get(_STATE + "/secrets", tags=["work"], response_model=answers.Secrets)
async def secrets(request: Request, namespace_name: str, state_id: str) -> dict[str, dict[str, str]]:
    """The secrets that the node of a node state declares."""
    return {"secrets": await service(request).read(outcomes.secrets_of, namespace_name, state_id)}


@router.get(_NAMESPACE + "/runs/{page}/{size}", tags=["runs"])
async def list_runs(request: Request, namespace_name: str, page: Page, size: Size) -> RunsResponse:
    """A page of runs, the newest first."""
    return await service(request).read(reports.list_runs, namespace_name, page, size)


@router.get(_NAMESPACE + "/states/run/{run_id}/graph", tags=["runs"])
async def run_graph(request: Request, namespace_name: str, run_id: str) -> RunGraph:
    """The node states of a run and how they follow from one another."""
    return await service(request).read(reports.run_graph, namespace_name, run_id)


@router.get(_FLOW + "/run/{run_id}/node/{node_id}", tags=["runs"])
async def node_details(
    request: Request, namespace_name: str, graph_name: str, run_id: str, node_id: str
) -> NodeDetails:
    """Everything about one node state."""
    place = (namespace_name, graph_name)
    return await service(request).read(reports.node_details, place, run_id, node_id)
