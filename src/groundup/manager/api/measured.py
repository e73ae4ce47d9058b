"""How long each request takes, by endpoint and status."""

from __future__ import annotations

import time

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundup.manager.metrics import Metrics

_OTHER = "other"  # what no endpoint answers; its paths are as many as clients want


class Measured:
    """Tells ``metrics`` of every answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status = 500

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_look)
        finally:
            self._metrics.answered(_endpoint(scope), status, time.monotonic() - started)


def _endpoint(scope: Scope) -> str:
    route = scope.get("route")
    if not isinstance(route, APIRoute):
        return _OTHER
    return f"{'/'.join(sorted(route.methods or ()))} {route.path}"
