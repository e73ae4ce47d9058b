"""The requests that workers make for every node state, answered before routing, dependencies and middleware.

What those do for a request costs several times what the request itself does. Only what is plain is answered
here; everything else, and whatever is wrong, goes the long way and gets its answer there.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from groundup.manager.api import batch, v0, v1
from groundup.manager.api.auth import LARGEST_BODY
from groundup.manager.api.errors import status_of
from groundup.manager.api.keyring import Keyring
from groundup.manager.errors import ManagerError
from groundup.manager.operations import flows
from groundup.manager.service import ManagerService
from groundup.nodes.wire import API_KEY_HEADER, EnqueueRequest, ExecutedRequest, TriggerRequest, extensions

M = TypeVar("M", bound=BaseModel)

_KEY = API_KEY_HEADER.encode()
_HEADERS = ((b"content-type", b"application/json"), (b"vary", b"Origin"))

Place = Mapping[str, str]
Answer = Callable[[Place, bytes, Request], Awaitable[bytes | None]]
"""From what a path names, the body and the request to the body of the answer; None to what is not plain."""


class Express:
    """Answers what is plain, and hands on the rest.

    :param api: the application that ``app`` leads to; its service and keys are used.
    """

    def __init__(self, app: ASGIApp, api: FastAPI) -> None:
        self._app = app
        self._service: ManagerService = api.state.service
        self._keyring: Keyring = api.state.keyring
        routes = _routes()
        answers: dict[str, Answer] = {
            "/v0/namespace/{namespace_name}/state/{state_id}/executed": self._executed,
            "/v1/namespace/{namespace_name}/outcomes": self._outcomes,
            "/v0/namespace/{namespace_name}/states/enqueue": self._claims,
            "/v0/namespace/{namespace_name}/graph/{graph_name}/trigger": self._trigger,
        }
        self._ways = [(_pattern(path), routes[path], answer) for path, answer in answers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        found = self._find(scope)
        if found is None or not await self._may(scope, found[0]["namespace_name"]):
            await self._app(scope, receive, send)
            return
        place, route, answer = found
        body = await _body(receive)
        if body is None:
            return
        answered = await _answered(answer, place, body, Request(scope, receive))
        if answered is None:
            await self._app(scope, _again(body, receive), send)
            return
        scope["route"] = route
        status, content = answered
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [length, *_HEADERS]})
        await send({"type": "http.response.body", "body": content})

    def _find(self, scope: Scope) -> tuple[Place, APIRoute, Answer] | None:
        """What the path of a request names, the route that it would take, and what answers it here."""
        if scope["type"] == "http" and scope["method"] == "POST":
            for pattern, route, answer in self._ways:
                if found := pattern.fullmatch(scope["path"]):
                    return found.groupdict(), route, answer
        return None

    async def _may(self, scope: Scope, namespace: str) -> bool:
        """Whether a request is plain as far as its head tells, and has a key for ``namespace``."""
        headers = dict(reversed(scope["headers"]))  # of several of a name the first counts
        length = headers.get(b"content-length", b"")
        if headers.get(b"content-type") != b"application/json" or b"origin" in headers:
            return False
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return False
        try:
            access = await self._keyring.access(headers.get(_KEY, b"").decode("latin-1"))
        except ManagerError:
            return False
        return access is not None and (access.namespaces is None or namespace in access.namespaces)

    async def _executed(self, place: Place, body: bytes, _request: Request) -> bytes | None:
        outputs = _parsed(ExecutedRequest, body).outputs
        outcome = extensions.ExecutedOutcome(outcome="executed", state_id=place["state_id"], outputs=outputs)
        if not _is_plain(outcome):
            return None
        return to_json(await self._service.record(place["namespace_name"], outcome))

    async def _outcomes(self, place: Place, body: bytes, _request: Request) -> bytes | None:
        outcomes = _parsed(extensions.OutcomesRequest, body)
        if not all(map(_is_plain, outcomes.outcomes)):
            return None
        return to_json(await batch.report(self._service, place["namespace_name"], outcomes))

    async def _claims(self, place: Place, body: bytes, request: Request) -> bytes | None:
        wanted = _parsed(EnqueueRequest, body)
        claimed = await self._service.enqueue(place["namespace_name"], wanted, request.is_disconnected)
        return to_json(claimed)

    async def _trigger(self, place: Place, body: bytes, _request: Request) -> bytes | None:
        wanted = _parsed(TriggerRequest, body)
        begun = await self._service.change(
            flows.trigger, place["namespace_name"], place["graph_name"], wanted
        )
        return to_json(begun)


async def _answered(answer: Answer, place: Place, body: bytes, request: Request) -> tuple[int, bytes] | None:
    """Status and body of the answer; None to what is not plain."""
    try:
        content = await answer(place, body, request)
    except ValidationError:
        return None
    except ManagerError as error:
        status, detail = status_of(error)
        return status, to_json({"detail": detail})
    return None if content is None else (200, content)


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None when who sent it has gone before all of it arrived."""
    parts, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _parsed(model: type[M], body: bytes) -> M:
    """The body of a request; what a model ignores may be JSON for some and not for others.

    :raises ValidationError: when it is none, or holds more.
    """
    return model.model_validate_json(body, extra="forbid")


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
