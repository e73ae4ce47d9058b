"""Around every request: its id, the announcement of this manager, and what nobody expected."""

from __future__ import annotations

import logging
import random
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundup.nodes.wire import MANAGER_HEADER, REQUEST_ID_HEADER

logger = logging.getLogger(__name__)

_V1_VERSION = "1"


class Envelope:
    """Adds the headers of every answer, and answers 500 to what nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id
                headers[MANAGER_HEADER] = _V1_VERSION
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            logger.exception("request %s failed", request_id)
            if started:
                raise
            await _internal_error(request_id)(scope, receive, send_with_headers)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID_HEADER)
    if given is None:
        return _new_id()
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return _new_id()


def _new_id() -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _internal_error(request_id: str) -> JSONResponse:
    detail = f"internal server error, see the manager's log for request {request_id}"
    return JSONResponse({"success": False, "detail": detail}, status_code=500)
