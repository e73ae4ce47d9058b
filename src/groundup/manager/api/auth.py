"""The API key, checked before anything else of a request is looked at."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader

from groundup.nodes.wire import API_KEY_HEADER

documented_key = Security(APIKeyHeader(name=API_KEY_HEADER, auto_error=False))
"""Makes the key part of the OpenAPI description."""


class KeyedRoute(APIRoute):
    """A route that refuses a wrong key before it reads the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the check of the key."""
        handle = super().get_route_handler()

        async def handle_with_key(request: Request) -> Response:
            given = request.headers.get(API_KEY_HEADER, "")
            if not hmac.compare_digest(given.encode(), request.app.state.api_key.encode()):
                raise HTTPException(401, "Invalid API key")
            return await handle(request)

        return handle_with_key
