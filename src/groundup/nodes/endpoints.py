"""The calls that a worker makes to its state manager."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from groundup.nodes.base import BaseNode, registration
from groundup.nodes.connection import Connection, Patience, Reply, Safety
from groundup.nodes.errors import RegistrationError, StateManagerError
from groundup.nodes.wire import ClaimedState, EnqueueResponse, LeasesResponse

logger = logging.getLogger("groundup.nodes.runtime")

_LONG_POLL_MS = 10_000
_RELEASE_SECONDS = 2.0


class WorkerEndpoints:
    """Typed calls over ``connection``, tried again until ``given_up`` says that it is of no use."""

    def __init__(self, connection: Connection, given_up: Callable[[], bool]) -> None:
        self._connection = connection
        self._patience = Patience(given_up=given_up)

    @property
    def extended(self) -> bool:
        """Whether this is groundup's manager: it knows leases, long polls, and outcomes that come twice."""
        return self._connection.announced

    async def register(self, name: str, nodes: Sequence[type[BaseNode]]) -> None:
        """Register ``nodes`` as runtime ``name``.

        :raises RegistrationError: when the manager refuses.
        """
        body = {"runtime_name": name, "nodes": [registration(node) for node in nodes]}
        reply = await self._call("PUT", self._path("nodes") + "/", body)
        if not reply.ok:
            raise RegistrationError(
                f"Failed to register nodes: {reply.detail}", hint="check API key and URI of the manager"
            )

    async def enqueue(self, names: Sequence[str], batch_size: int, lease_ms: int) -> list[ClaimedState]:
        """Claim up to ``batch_size`` node states of nodes called ``names``.

        :raises StateManagerError: when the manager refuses, or answers something else.
        """
        body = {"nodes": list(names), "batch_size": batch_size, "lease": lease_ms, "wait": _LONG_POLL_MS}
        reply = await self._call("POST", self._path("states", "enqueue"), body)
        try:
            return EnqueueResponse.model_validate(_body(reply, "enqueue")).states
        except ValueError as error:
            raise StateManagerError(f"the manager answers enqueue with something else: {error}") from error

    async def secrets(self, state_id: str) -> Mapping[str, str]:
        """The secrets for a node state.

        :raises StateManagerError: when the manager refuses.
        """
        reply = await self._call("GET", self._path("state", state_id, "secrets"))
        secrets: dict[str, str] = _body(reply, "secrets").get("secrets", {})
        return secrets

    async def report(self, state_id: str, outcome: str, body: Mapping[str, Any]) -> None:
        """Deliver an outcome; to a manager that does not take it twice, only where it cannot have arrived.

        :raises StateManagerError: when the manager cannot take it as it is.
        :raises UnreachableError: when it may not have arrived.
        """
        safety = Safety.IDEMPOTENT if self.extended else Safety.ONCE
        reply = await self._call("POST", self._path("state", state_id, outcome), body, safety)
        if reply.ok:
            logger.info("node state %s: %s", state_id, outcome)
        elif reply.repeated and reply.detail.startswith("State is not queued"):
            logger.info("node state %s: %s, delivered before", state_id, outcome)
        elif reply.status in {413, 422}:
            raise StateManagerError(f"the manager cannot take this outcome ({outcome}): {reply.detail}")
        else:
            logger.error("node state %s: %s was refused: %s", state_id, outcome, reply.detail)

    async def renew(self, state_ids: Sequence[str], lease_ms: int) -> list[str]:
        """Prolong claims and name those that are lost.

        :raises StateManagerError: when the manager refuses.
        """
        body = {"state_ids": list(state_ids), "lease": lease_ms}
        reply = await self._extension("leases/renew", body, seconds=lease_ms / 3000)
        return LeasesResponse.model_validate(_body(reply, "renew")).lost

    async def release(self, state_ids: Sequence[str]) -> None:
        """Give claims back unused."""
        await self._extension("leases/release", {"state_ids": list(state_ids)}, seconds=_RELEASE_SECONDS)
        logger.info("gave %d node states back", len(state_ids))

    def _path(self, *parts: str) -> str:
        return self._connection.address.in_namespace(*parts)

    async def _call(
        self, method: str, url: str, body: Any = None, safety: Safety = Safety.IDEMPOTENT
    ) -> Reply:
        return await self._connection.call(method, url, body, safety=safety, patience=self._patience)

    async def _extension(self, path: str, body: Any, *, seconds: float) -> Reply:
        url = self._connection.address.extension(path)
        patience = Patience.of(seconds)
        return await self._connection.call("POST", url, body, safety=Safety.IDEMPOTENT, patience=patience)


def _body(reply: Reply, what: str) -> dict[str, Any]:
    body = reply.json()
    if not reply.ok or not isinstance(body, dict):
        raise StateManagerError(f"the manager refuses {what}: {reply.status} {reply.detail}")
    return body
