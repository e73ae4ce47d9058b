"""What groundup offers beyond the protocol."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from groundup.manager.api import batch, events
from groundup.manager.api.auth import REFUSALS, AdminRoute, KeyedRoute, access_of, documented_key
from groundup.manager.api.v0 import as_json, service
from groundup.manager.operations import access, claims, runs, triggers, values
from groundup.nodes.wire import LeasesRequest, LeasesResponse, extensions

router = APIRouter(prefix="/v1", route_class=KeyedRoute, dependencies=[documented_key], responses=REFUSALS)
admin_router = APIRouter(
    prefix="/v1", route_class=AdminRoute, dependencies=[documented_key], responses=REFUSALS
)

_NAMESPACE = "/namespace/{namespace_name}"
_FLOW = _NAMESPACE + "/graph/{graph_name}"
_RUN = _NAMESPACE + "/runs/{run_id}"
_STATE = _NAMESPACE + "/state/{state_id}"
_TRIGGER = _NAMESPACE + "/triggers/{trigger_id}"


@router.post("/leases/renew", tags=["work"])
async def renew_leases(request: Request, body: LeasesRequest) -> LeasesResponse:
    """Prolong claims; those that no longer hold are named."""
    return await service(request).write(claims.renew, body, access_of(request).namespaces)


@router.post("/leases/release", tags=["work"])
async def release_leases(request: Request, body: LeasesRequest) -> LeasesResponse:
    """Give claims back unused; no attempt is counted."""
    return await service(request).change(claims.release, body, access_of(request).namespaces)


@router.post(_NAMESPACE + "/outcomes", tags=["work"], response_model=extensions.OutcomesResponse)
async def report_outcomes(
    request: Request, namespace_name: str, body: extensions.OutcomesRequest
) -> Response:
    """Report what became of several node states; each is answered as it would be by itself."""
    return as_json(await batch.report(service(request), namespace_name, body))


@router.get(_STATE + "/store", tags=["work"])
async def read_store(request: Request, namespace_name: str, state_id: str) -> extensions.StoreValues:
    """The store of the run that a node state belongs to."""
    return await service(request).read(values.of_state, namespace_name, state_id)


@router.put(_STATE + "/store", tags=["work"])
async def write_store(
    request: Request, namespace_name: str, state_id: str, body: extensions.StoreChanges
) -> extensions.StoreValues:
    """Set values in the store of the run that a node state belongs to, while it is executed."""
    return await service(request).write(values.change_of_state, namespace_name, state_id, body)


@router.get(_NAMESPACE + "/runs", tags=["runs"])
async def list_runs(
    request: Request, namespace_name: str, wanted: Annotated[extensions.RunFilter, Query()]
) -> extensions.RunPage:
    """Runs, the newest first."""
    return await service(request).read(runs.list_runs, namespace_name, wanted)


@router.get(_RUN, tags=["runs"])
async def get_run(request: Request, namespace_name: str, run_id: str) -> extensions.RunInfo:
    """One run."""
    return await service(request).read(runs.get_run, namespace_name, run_id)


@router.post(_RUN + "/cancel", tags=["runs"])
async def cancel_run(request: Request, namespace_name: str, run_id: str) -> extensions.CancelResponse:
    """End a run: what waits or is executed becomes ERRORED, and nothing follows."""
    return await service(request).change(runs.cancel, namespace_name, run_id)


@router.post(_RUN + "/retry-failed", tags=["runs"])
async def retry_failed(
    request: Request, namespace_name: str, run_id: str, body: extensions.RetryFailedRequest
) -> extensions.RetryFailedResponse:
    """Run every node state of a run that failed again, with all its attempts."""
    return await service(request).change(runs.retry_failed, namespace_name, run_id, body)


@router.get(_RUN + "/store", tags=["runs"])
async def read_store_of_run(request: Request, namespace_name: str, run_id: str) -> extensions.StoreValues:
    """The store of a run."""
    return await service(request).read(values.of_run, namespace_name, run_id)


@router.put(_RUN + "/store", tags=["runs"])
async def write_store_of_run(
    request: Request, namespace_name: str, run_id: str, body: extensions.StoreChanges
) -> extensions.StoreValues:
    """Set values in the store of a run."""
    return await service(request).write(values.change_of_run, namespace_name, run_id, body)


@router.get(_NAMESPACE + "/states", tags=["runs"])
async def list_states(
    request: Request, namespace_name: str, wanted: Annotated[extensions.StateFilter, Query()]
) -> extensions.StatePage:
    """Node states of the runs of a namespace, the newest first."""
    return await service(request).read(runs.list_states, namespace_name, wanted)


@router.get(_STATE, tags=["runs"])
async def get_state(request: Request, namespace_name: str, state_id: str) -> extensions.StateInfo:
    """Everything about a node state."""
    return await service(request).read(runs.get_state, namespace_name, state_id)


@router.get(
    _NAMESPACE + "/events", tags=["runs"], response_class=StreamingResponse, responses={200: events.STREAM}
)
async def watch(
    request: Request, namespace_name: str, wanted: Annotated[events.Watched, Query()]
) -> StreamingResponse:
    """What happens to runs, or to the node states of one run, as server-sent events."""
    return await events.stream(service(request), namespace_name, wanted, request)


@router.delete(_FLOW, tags=["flows"])
async def delete_flow(request: Request, namespace_name: str, graph_name: str) -> extensions.DeletedFlow:
    """Remove a flow with its triggers; its runs go on."""
    return await service(request).write(runs.delete_flow, namespace_name, graph_name)


@router.get(_NAMESPACE + "/triggers", tags=["flows"])
async def list_triggers(
    request: Request, namespace_name: str, graph_name: str | None = None
) -> extensions.TriggerList:
    """The cron triggers of a namespace, or of one of its flows."""
    return await service(request).read(triggers.list_triggers, namespace_name, graph_name)


@router.get(_TRIGGER, tags=["flows"])
async def get_trigger(request: Request, namespace_name: str, trigger_id: str) -> extensions.TriggerDetails:
    """A cron trigger with its last times."""
    return await service(request).read(triggers.get_trigger, namespace_name, trigger_id)


@router.post(_TRIGGER + "/pause", tags=["flows"])
async def pause_trigger(request: Request, namespace_name: str, trigger_id: str) -> extensions.TriggerDetails:
    """Let a trigger rest."""
    return await service(request).write(triggers.pause, namespace_name, trigger_id, paused=True)


@router.post(_TRIGGER + "/resume", tags=["flows"])
async def resume_trigger(request: Request, namespace_name: str, trigger_id: str) -> extensions.TriggerDetails:
    """Let a trigger go on; times that passed meanwhile do not count."""
    return await service(request).write(triggers.pause, namespace_name, trigger_id, paused=False)


@admin_router.post("/keys", status_code=201, tags=["keys"])
async def make_key(request: Request, body: extensions.NewKey) -> extensions.MadeKey:
    """Make an API key for some namespaces; what requests carry is shown this once."""
    return await service(request).write(access.make, body)


@admin_router.get("/keys", tags=["keys"])
async def list_keys(request: Request) -> extensions.KeyList:
    """The API keys for some namespaces."""
    return await service(request).read(access.list_keys)


@admin_router.delete("/keys/{key_id}", tags=["keys"])
async def revoke_key(request: Request, key_id: str) -> extensions.RevokedKey:
    """Let an API key open nothing any more; other managers notice within seconds."""
    revoked = await service(request).write(access.revoke, key_id)
    request.app.state.keyring.forget()
    return revoked
