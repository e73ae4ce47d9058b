"""The API key, checked before anything else of a request is looked at."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import HTTPException, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from pydantic import BaseModel
from pydantic_core import from_json

from groundup.manager.api.keyring import Access, Keyring
from groundup.nodes.wire import API_KEY_HEADER

documented_key = Security(APIKeyHeader(name=API_KEY_HEADER, auto_error=False))
"""Makes the key part of the OpenAPI description."""


class Problem(BaseModel):
    """What an answer says when it is none of the good ones."""

    detail: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "Not possible, or not possible now"},
    401: {"model": Problem, "description": "No valid API key"},
    403: {"model": Problem, "description": "The API key is not for this namespace"},
    404: {"model": Problem, "description": "No such thing in this namespace"},
    409: {"model": Problem, "description": "Done already, or not ended yet"},
    413: {"model": Problem, "description": "The body is too large"},
    429: {"model": Problem, "description": "Too many at the same time"},
    503: {"model": Problem, "description": "The database cannot be used now, or the manager ends"},
}
"""Answers that any request may get, for the OpenAPI description."""

LARGEST_BODY = 32 * 1024 * 1024
"""Bytes that a request may have."""

_DEEPEST = 200  # levels that pydantic reads; what it writes may have a few more


class StrictRequest(Request):
    """A request whose body is limited in size, and JSON as other languages understand it."""

    async def body(self) -> bytes:
        """The body.

        :raises HTTPException: 413 when it is too large.
        """
        if not hasattr(self, "_body"):
            body = bytearray()
            async for chunk in self.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise HTTPException(413, f"The body is larger than {LARGEST_BODY} bytes")
            self._body = bytes(body)
        return self._body

    async def json(self) -> Any:
        """The body as JSON.

        :raises json.JSONDecodeError: also for NaN, lone surrogates, numbers that are no number, and for what
            is nested more deeply than everybody could read again.
        """
        text = (await self.body()).decode()
        try:
            value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        except RecursionError as error:
            raise _too_deep() from error
        if "\\ud" in text.lower():
            _check_surrogates(value)
        if text.count("[") + text.count("{") > _DEEPEST:
            _check_depth(text)
        return value


def _check_depth(text: str) -> None:
    try:
        from_json(text)
    except ValueError as error:  # nothing else is left to be wrong
        raise _too_deep() from error


def _too_deep() -> json.JSONDecodeError:
    return json.JSONDecodeError("Nested too deeply", "", 0)


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON", name, 0)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise json.JSONDecodeError(f"{text} is too large", text, 0)
    return number


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise json.JSONDecodeError("Lone surrogate", "", 0) from error


class KeyedRoute(APIRoute):
    """A route that refuses a wrong key, and one for other namespaces, before it reads the body."""

    for_all = False

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the check of the key."""
        handle = super().get_route_handler()

        async def handle_with_key(request: Request) -> Response:
            access = await _access(request)
            namespace = request.path_params.get("namespace_name")
            if namespace is not None:
                access.require(namespace)
            elif self.for_all:
                access.require_all()
            request.state.access = access
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_with_key


class AdminRoute(KeyedRoute):
    """A route for keys alone that are for all namespaces."""

    for_all = True


async def _access(request: Request) -> Access:
    keyring: Keyring = request.app.state.keyring
    access = await keyring.access(request.headers.get(API_KEY_HEADER, ""))
    if access is None:
        raise HTTPException(401, "Invalid API key")
    return access


def access_of(request: Request) -> Access:
    """What the key of a request opens."""
    found: Access = request.state.access
    return found
