"""Calls to a state manager that states make."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from groundup.nodes.address import Address
from groundup.nodes.connection import Connection, Patience, Safety
from groundup.nodes.endpoints import WorkerEndpoints
from groundup.nodes.errors import StateManagerError

if TYPE_CHECKING:
    from groundup.states.polling import ManagerAddress, RegisteredNodes

_SECONDS = 60.0


def address_of(manager: ManagerAddress, namespace: str) -> Address:
    """Return where a state manager's namespace is."""
    return Address(namespace, manager.uri, manager.key, "v0")


def wait_for_manager(address: Address, seconds: float | None) -> None:
    """Return when the manager answers to the key.

    :param seconds: how long to try; None: for ever.
    :raises UnreachableError: it does not answer in time.
    :raises StateManagerError: it refuses the key.
    """
    asyncio.run(_answering(address, Patience() if seconds is None else Patience.of(seconds)))


async def _answering(address: Address, patience: Patience) -> None:
    async with Connection(address) as connection:
        url = f"{address.uri}/{address.version}/namespaces"
        reply = await connection.call("GET", url, safety=Safety.IDEMPOTENT, patience=patience)
    if reply.status in {401, 403}:
        raise StateManagerError(
            f"the state manager on {address.uri} refuses the API key: {reply.detail}",
            hint="correct EXOSPHERE_API_KEY",
        )


def register(nodes: RegisteredNodes, manager: ManagerAddress) -> None:
    """Register nodes.

    :raises RegistrationError: the manager refuses them.
    :raises UnreachableError: it does not answer.
    """
    asyncio.run(_registered(nodes, address_of(manager, nodes.namespace)))


async def _registered(nodes: RegisteredNodes, address: Address) -> None:
    until = time.monotonic() + _SECONDS
    async with Connection(address) as connection:
        endpoints = WorkerEndpoints(connection, lambda: time.monotonic() > until)
        await endpoints.register(nodes.name, nodes.classes)
