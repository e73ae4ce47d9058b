"""Calls that are made again: with growing delays, each a random part of them."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from itertools import pairwise

import pytest

from groundup.nodes.address import Address
from groundup.nodes.connection import Connection, Patience, Safety
from groundup.nodes.errors import UnreachableError

SEED = 4


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def tries(safety: Safety, seconds: float) -> list[float]:
    """When a call that nobody answers was made again."""
    moments: list[float] = []
    address = Address("demo", f"http://127.0.0.1:{closed_port()}", "k", "v0")
    async with Connection(address, lambda: moments.append(time.monotonic())) as connection:
        with pytest.raises(UnreachableError, match="does not answer"):
            await connection.call("GET", f"{address.uri}/x", safety=safety, patience=Patience.of(seconds))
    return moments


@pytest.mark.parametrize("safety", list(Safety))
def test_delays_are_random_parts_of_growing_ones(safety: Safety) -> None:
    """Also of what may be sent only once, as long as no connection was made."""
    random.seed(SEED)
    moments = asyncio.run(tries(safety, 3))
    chance = random.Random(SEED)  # noqa: S311 - the same as jitter
    delays = [chance.uniform(0, min(0.1 * 2**number, 5)) for number in range(len(moments))]
    assert len(moments) >= 4
    pauses = [after - before for before, after in pairwise(moments)]
    assert all(pause >= delay - 0.005 for pause, delay in zip(pauses, delays, strict=False))
    assert len({round(delay / min(0.1 * 2**number, 5), 3) for number, delay in enumerate(delays)}) > 2


def test_patience_ends() -> None:
    began = time.monotonic()
    asyncio.run(tries(Safety.IDEMPOTENT, 0.5))
    assert time.monotonic() - began < 10
