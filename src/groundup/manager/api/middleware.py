"""Around every request: its id, the announcement of this manager, and what nobody expected."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid

from fastapi import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundup.nodes.wire import MANAGER_HEADER, REQUEST_ID_HEADER

logger = logging.getLogger(__name__)

_V1_VERSION = b"1"
_ID_HEADER = REQUEST_ID_HEADER.lower().encode()
_ID = "groundup.request_id"


class Envelope:
    """Adds the headers of every answer, and answers 500 to what nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[_ID] = request_id = _request_id(scope)
        headers = ((_ID_HEADER, request_id.encode()), (MANAGER_HEADER.lower().encode(), _V1_VERSION))
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except asyncio.CancelledError:  # the manager ends, and has waited for this request long enough
            if started:
                raise
            answer = JSONResponse({"detail": "The state manager ends"}, status_code=503)
            await answer(scope, receive, send_with_headers)
        except Exception as error:
            logger.exception("request %s failed", request_id)
            if not started:
                answer = await unexpected(Request(scope), error)
                await answer(scope, receive, send_with_headers)


async def unexpected(request: Request, _error: Exception) -> JSONResponse:
    """The answer to a request that failed by what nobody expected."""
    detail = f"internal server error, see the manager's log for request {request.scope[_ID]}"
    return JSONResponse({"success": False, "detail": detail}, status_code=500)


def _request_id(scope: Scope) -> str:
    for name, given in scope["headers"]:
        if name == _ID_HEADER:
            return _checked(given.decode("latin-1"))
    return _new_id()


def _checked(given: str) -> str:
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return _new_id()


def _new_id() -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
