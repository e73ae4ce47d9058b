"""What groundup's own workers use beyond the protocol."""

from __future__ import annotations

from fastapi import APIRouter, Request

from groundup.manager.api.auth import KeyedRoute, documented_key
from groundup.manager.api.v0 import service
from groundup.manager.operations import claims
from groundup.nodes.wire import LeasesRequest, LeasesResponse

router = APIRouter(prefix="/v1", route_class=KeyedRoute, dependencies=[documented_key])


@router.post("/leases/renew", tags=["work"])
async def renew_leases(request: Request, body: LeasesRequest) -> LeasesResponse:
    """Prolong claims; those that no longer hold are named."""
    return await service(request).write(claims.renew, body)


@router.post("/leases/release", tags=["work"])
async def release_leases(request: Request, body: LeasesRequest) -> LeasesResponse:
    """Give claims back unused; no attempt is counted."""
    return await service(request).change(claims.release, body)
