"""The calls that a worker makes to its state manager."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from groundup.nodes.address import Address
from groundup.nodes.base import BaseNode, registration
from groundup.nodes.connection import RETRIED_STATUSES, Connection, Patience, Reply, Safety
from groundup.nodes.errors import RegistrationError, StateManagerError
from groundup.nodes.extensions import OutcomesResponse
from groundup.nodes.outcomes import Outcome
from groundup.nodes.wire import ClaimedState, EnqueueResponse, LeasesResponse

logger = logging.getLogger("groundup.nodes.runtime")

_LONG_POLL_MS = 10_000
_RELEASE_SECONDS = 2.0


class WorkerEndpoints:
    """Typed calls over ``connection``, tried again until ``given_up`` says that it is of no use."""

    def __init__(
        self, connection: Connection, given_up: Callable[[], bool] = lambda: False, lease_ms: int = 15_000
    ) -> None:
        self._connection = connection
        self._patience = Patience(given_up=given_up)
        self._lease_ms = lease_ms

    @property
    def address(self) -> Address:
        """Where the manager is."""
        return self._connection.address

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

    async def enqueue(self, names: Sequence[str], batch_size: int) -> list[ClaimedState]:
        """Claim up to ``batch_size`` node states of nodes called ``names``.

        :raises StateManagerError: when the manager refuses, or answers something else.
        """
        body = {
            "nodes": list(names),
            "batch_size": batch_size,
            "lease": self._lease_ms,
            "wait": min(_LONG_POLL_MS, self._lease_ms * 2 // 3),
            "context": True,
        }
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

    async def report(self, outcome: Outcome) -> None:
        """Deliver an outcome; to a manager that does not take it twice, only where it cannot have arrived.

        :raises StateManagerError: when the manager cannot take it as it is.
        :raises UnreachableError: when it may not have arrived.
        """
        safety = Safety.IDEMPOTENT if self.extended else Safety.ONCE
        path = self._path("state", outcome.state_id, outcome.kind)
        reply = await self._call("POST", path, outcome.body, safety)
        if reply.status in {413, 422}:
            raise StateManagerError(f"the manager cannot take this outcome ({outcome.kind}): {reply.detail}")
        _log(outcome, reply.status, reply.detail, repeated=reply.repeated)

    async def report_all(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Deliver outcomes in one call; gives those that the manager did not take so.

        :raises UnreachableError: when they may not have arrived.
        """
        items = [{"outcome": item.kind, "state_id": item.state_id, **item.body} for item in outcomes]
        url = self._extended_path("outcomes")
        reply = await self._call("POST", url, {"outcomes": items})
        if not reply.ok:
            return outcomes
        left = []
        results = OutcomesResponse.model_validate_json(reply.text).results
        for outcome, result in zip(outcomes, results, strict=True):
            if result.status_code in RETRIED_STATUSES:
                left.append(outcome)
                continue
            detail = str(result.body.get("detail", ""))
            _log(outcome, result.status_code, detail, repeated=reply.repeated)
        return left

    async def heartbeat(self, state_id: str) -> bool:
        """Renew a claim; false when it is lost, true where the manager knows no leases."""
        return not self.extended or state_id not in await self.renew([state_id])

    async def read_store(self, state_id: str) -> dict[str, str]:
        """The store of the run that a node state belongs to.

        :raises StateManagerError: when the manager refuses, or offers none.
        """
        return await self._store("GET", state_id)

    async def write_store(self, state_id: str, values: Mapping[str, str | None]) -> dict[str, str]:
        """Set values in the store of the run that a node state belongs to; gives it as it is then.

        :raises StateManagerError: when the manager refuses, or offers none.
        """
        return await self._store("PUT", state_id, {"values": dict(values)})

    async def _store(self, method: str, state_id: str, body: Any = None) -> dict[str, str]:
        if not self.extended:
            raise StateManagerError("this state manager lets nodes neither read nor write the store")
        reply = await self._call(method, self._extended_path("state", state_id, "store"), body)
        values: dict[str, str] = _body(reply, "the store")["values"]
        return values

    async def renew(self, state_ids: Sequence[str]) -> list[str]:
        """Prolong claims and name those that are lost.

        :raises StateManagerError: when the manager refuses.
        """
        body = {"state_ids": list(state_ids), "lease": self._lease_ms}
        reply = await self._leases("renew", body, seconds=self._lease_ms / 3000)
        return LeasesResponse.model_validate(_body(reply, "renew")).lost

    async def release(self, state_ids: Sequence[str]) -> None:
        """Give claims back unused."""
        await self._leases("release", {"state_ids": list(state_ids)}, seconds=_RELEASE_SECONDS)
        logger.info("gave %d node states back", len(state_ids))

    def _path(self, *parts: str) -> str:
        return self._connection.address.in_namespace(*parts)

    async def _call(
        self, method: str, url: str, body: Any = None, safety: Safety = Safety.IDEMPOTENT
    ) -> Reply:
        return await self._connection.call(method, url, body, safety=safety, patience=self._patience)

    def _extended_path(self, *parts: str) -> str:
        return self._connection.address.extended_in_namespace(*parts)

    async def _leases(self, action: str, body: Any, *, seconds: float) -> Reply:
        url = self._connection.address.extension(f"leases/{action}")
        patience = Patience.of(seconds)
        return await self._connection.call("POST", url, body, safety=Safety.IDEMPOTENT, patience=patience)


def _log(outcome: Outcome, status: int, detail: str, *, repeated: bool) -> None:
    if 200 <= status < 300:
        logger.info("node state %s: %s", outcome.state_id, outcome.kind)
    elif repeated and detail.startswith("State is not queued"):
        logger.info("node state %s: %s, delivered before", outcome.state_id, outcome.kind)
    else:
        logger.error("node state %s: %s was refused: %s", outcome.state_id, outcome.kind, detail)


def _body(reply: Reply, what: str) -> dict[str, Any]:
    body = reply.json()
    if not reply.ok or not isinstance(body, dict):
        raise StateManagerError(f"the manager refuses {what}: {reply.status} {reply.detail}")
    return body
