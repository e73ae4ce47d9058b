"""What clients of a state manager share: one address, and a connection that is kept or made for each call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self

from groundup.nodes.address import Address
from groundup.nodes.connection import Connection, Patience, Reply, Safety
from groundup.nodes.errors import NotOfferedError, StateManagerError

_PATIENCE_SECONDS = 30.0


class ClientCalls:
    """Calls a state manager in one namespace.

    Used as an asynchronous context manager it keeps one pooled connection; else each call makes its own.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._kept: Connection | None = None
        self._stack = AsyncExitStack()

    @property
    def namespace(self) -> str:
        """The namespace of the flows."""
        return self._address.namespace

    async def __aenter__(self) -> Self:
        """Open the connection."""
        address = self._stack.enter_context(self._address.reached())
        self._kept = await self._stack.enter_async_context(Connection(address))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._kept = None
        await self._stack.aclose()

    async def _call(
        self, method: str, *path: str, body: Any = None, safety: Safety = Safety.IDEMPOTENT
    ) -> Reply:
        async with self._connected() as connection:
            url = connection.address.in_namespace(*path)
            return await connection.call(
                method, url, body, safety=safety, patience=Patience.of(_PATIENCE_SECONDS)
            )

    async def _extended(
        self,
        what: str,
        method: str,
        *path: str,
        query: str = "",
        body: Any = None,
        safety: Safety = Safety.IDEMPOTENT,
    ) -> dict[str, Any]:
        """Make a call of groundup's own, and give the good answer.

        :param what: what cannot be done, in messages.
        :raises StateManagerError: when the manager refuses, or does not offer it.
        """
        async with self._connected() as connection:
            url = connection.address.extended_in_namespace(*path) + (f"?{query}" if query else "")
            patience = Patience.of(_PATIENCE_SECONDS)
            reply = await connection.call(method, url, body, safety=safety, patience=patience)
            if not connection.announced:
                raise NotOfferedError(
                    f"{what}: the state manager on {connection.address.uri} does not offer that",
                    hint="groundup's own does",
                )
        return answer(reply, what)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        if self._kept is not None:
            yield self._kept
            return
        with self._address.reached() as address:
            async with Connection(address) as connection:
                yield connection


def answer(reply: Reply, what: str) -> dict[str, Any]:
    """The body of a good answer.

    :raises StateManagerError: ``what`` was refused; with the manager's reason.
    """
    body = reply.json()
    if not reply.ok or not isinstance(body, dict):
        raise StateManagerError(f"{what}: {reply.detail}", hint=_HINTS.get(reply.status, ""))
    return body


_HINTS = {
    401: "the API key is not that of the state manager",
    403: "the API key is not for this namespace",
    404: "check name and namespace",
}
