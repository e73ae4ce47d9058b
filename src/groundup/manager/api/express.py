"""The requests that workers make for every node state, answered before routing, dependencies and middleware.

What those do for a request costs several times what the request itself does. Only what is plain is answered
here; everything else, and whatever is wrong, goes the long way and gets its answer there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundup.manager.api import batch, v0, v1
from groundup.manager.api.auth import LARGEST_BODY, StrictRequest
from groundup.manager.api.errors import status_of
from groundup.manager.api.keyring import Keyring
from groundup.manager.errors import ManagerError
from groundup.manager.service import ManagerService
from groundup.nodes.wire import API_KEY_HEADER, EnqueueRequest, ExecutedRequest, extensions

_CLAIMS = "/v0/namespace/{namespace_name}/states/enqueue"
_EXECUTED = "/v0/namespace/{namespace_name}/state/{state_id}/executed"
_OUTCOMES = "/v1/namespace/{namespace_name}/outcomes"
_KEY = API_KEY_HEADER.encode()


class Express:
    """Answers what is plain, and hands on the rest.

    :param api: the application that ``app`` leads to; its service and keys are used.
    """

    def __init__(self, app: ASGIApp, api: FastAPI) -> None:
        self._app = app
        self._service: ManagerService = api.state.service
        self._keyring: Keyring = api.state.keyring
        routes = _routes()
        self._ways = [(_pattern(path), routes[path]) for path in (_EXECUTED, _OUTCOMES, _CLAIMS)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        found = self._find(scope)
        if found is None:
            await self._app(scope, receive, send)
            return
        place, route = found
        request = StrictRequest(scope, receive)
        if not await self._may(request, place["namespace_name"]):
            await self._app(scope, receive, send)
            return
        try:
            response = await self._response(route.path, place, request)
        except ClientDisconnect:
            return  # before all of it arrived
        if response is None:
            await self._app(scope, _again(await request.body(), receive), send)
            return
        scope["route"] = route
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[dict[str, str], APIRoute] | None:
        """What the path of a request names, and the route that it would take."""
        if scope["type"] == "http" and scope["method"] == "POST":
            for pattern, route in self._ways:
                if found := pattern.fullmatch(scope["path"]):
                    return found.groupdict(), route
        return None

    async def _may(self, request: StrictRequest, namespace: str) -> bool:
        """Whether a request is plain as far as its head tells, and has a key for ``namespace``."""
        headers = dict(request.scope["headers"])
        length = headers.get(b"content-length", b"")
        if headers.get(b"content-type") != b"application/json" or b"origin" in headers:
            return False
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return False
        access = await self._keyring.access(headers.get(_KEY, b"").decode("latin-1"))
        return access is not None and (access.namespaces is None or namespace in access.namespaces)

    async def _response(self, path: str, place: Mapping[str, str], request: StrictRequest) -> Response | None:
        """The answer; None to what is not plain."""
        try:
            return await self._answer(path, place, request)
        except ValidationError:
            return None
        except ManagerError as error:
            status, detail = status_of(error)
            return JSONResponse({"detail": detail}, status_code=status)

    async def _answer(self, path: str, place: Mapping[str, str], request: StrictRequest) -> Response | None:
        namespace, body = place["namespace_name"], await request.body()
        if path == _CLAIMS:
            wanted = EnqueueRequest.model_validate_json(body)
            return v0.as_json(await self._service.enqueue(namespace, wanted, request.is_disconnected))
        if path == _OUTCOMES:
            outcomes = extensions.OutcomesRequest.model_validate_json(body)
            if not all(map(_is_plain, outcomes.outcomes)):
                return None
            return v0.as_json(await batch.report(self._service, namespace, outcomes))
        outputs = ExecutedRequest.model_validate_json(body).outputs
        outcome = extensions.ExecutedOutcome(outcome="executed", state_id=place["state_id"], outputs=outputs)
        return JSONResponse(await self._service.record(namespace, outcome)) if _is_plain(outcome) else None


def _routes() -> dict[str, APIRoute]:
    routes = [*v0.router.routes, *v1.router.routes]
    posts = [route for route in routes if isinstance(route, APIRoute) and "POST" in (route.methods or ())]
    return {route.path: route for route in posts}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[A-Za-z0-9_.-]+)", path))


def _is_plain(outcome: extensions.AnyOutcome) -> bool:
    """Whether there is nothing in it that is JSON for some and not for others, as numbers without end."""
    match outcome:
        case extensions.ExecutedOutcome():
            return all(map(_are_texts, outcome.outputs))
        case extensions.PrunedOutcome():
            return _are_texts(outcome.data)
    return True


def _are_texts(fields: Mapping[str, Any]) -> bool:
    return all(type(value) is str for value in fields.values())


def _again(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read once more, then what comes after it."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
