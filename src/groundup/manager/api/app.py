"""The application: routes, headers, errors, housekeeping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from groundup.manager.api import v0, v1
from groundup.manager.api.answers import Health
from groundup.manager.api.errors import STATUSES, status_of
from groundup.manager.api.express import Express
from groundup.manager.api.keyring import Keyring
from groundup.manager.api.measured import Measured
from groundup.manager.api.middleware import Envelope, unexpected
from groundup.manager.errors import ManagerError
from groundup.manager.housekeeping import keep_house
from groundup.manager.service import ManagerService

LOCAL_ORIGINS = tuple(f"http://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (3000, 3001))


def create_app(service: ManagerService, api_key: str, *, origins: Sequence[str] = LOCAL_ORIGINS) -> ASGIApp:
    """The HTTP application of ``service``.

    What every request goes through stands before FastAPI, whose own way costs several times as much.

    :param api_key: what every request but `/health` must carry.
    :param origins: where a browser may call from.
    """
    api = create_api(service, api_key, origins=origins)
    app = Envelope(Express(api, api))
    return Measured(app, service.metrics) if service.metrics.is_watched else app


def create_api(service: ManagerService, api_key: str, *, origins: Sequence[str] = LOCAL_ORIGINS) -> FastAPI:
    """The endpoints of :func:`create_app`, with their description."""
    app = FastAPI(title="groundup state manager", lifespan=_lifespan)
    app.state.service = service
    app.state.keyring = Keyring(service, api_key)
    app.include_router(v0.router)
    app.include_router(v1.router)
    app.include_router(v1.admin_router)
    app.add_api_route("/health", _health, methods=["GET"], tags=["health"], response_model=Health)
    for kind in STATUSES:
        app.add_exception_handler(kind, _refuse)
    app.add_exception_handler(Exception, unexpected)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_credentials=True,
        allow_methods=["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"],
        allow_headers=["*"],
        expose_headers=["X-Exosphere-Request-ID"],
        max_age=600,
    )
    return app


async def _health() -> dict[str, str]:
    """Whether the manager answers."""
    return {"message": "OK"}


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ManagerError):
        raise error
    status, detail = status_of(error)
    return JSONResponse({"detail": detail}, status_code=status)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    housekeeping = asyncio.create_task(keep_house(app.state.service))
    try:
        yield
    finally:
        housekeeping.cancel()
        with suppress(asyncio.CancelledError):
            await housekeeping
