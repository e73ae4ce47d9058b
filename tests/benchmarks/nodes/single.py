"""Run as ``single.py KEY STATES BATCH URI``: outcomes reported one by one, as the protocol's own SDK does.

Every call is one of `/v0` and has a connection of its own; several are under way at the same time, at as
little cost as possible: it shares two cores with the manager that is measured. The last line on stdout is
JSON: how many node states, and what they took.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop

sys.path.append(str(Path(__file__).resolve().parents[3]))

from tests.benchmarks.measuring import clock
from tests.benchmarks.nodes.work import NAMESPACE, NODES

CALLERS = 64
STATES = f"/v0/namespace/{NAMESPACE}/states/enqueue"
STATE = f"/v0/namespace/{NAMESPACE}/state"


class Client:
    """Calls a manager with as little as HTTP needs."""

    def __init__(self, uri: str, key: str) -> None:
        parts = urlsplit(uri)
        self._host, self._port = parts.hostname, parts.port
        self._headers = (
            f"host: {parts.netloc}\r\nx-api-key: {key}\r\ncontent-type: application/json\r\nconnection: close"
        )

    async def post(self, path: str, body: Any) -> Any:
        """Send JSON and give what is answered.

        :raises ValueError: when that is no success.
        """
        data = json.dumps(body).encode()
        reader, writer = await asyncio.open_connection(self._host, self._port)
        head = f"POST {path} HTTP/1.1\r\n{self._headers}\r\ncontent-length: {len(data)}\r\n\r\n"
        writer.write(head.encode() + data)
        answer = await reader.read()
        writer.close()
        status, _, rest = answer.partition(b"\r\n")
        if b" 200 " not in status:
            raise ValueError(f"{path}: {answer!r}")
        return json.loads(rest.partition(b"\r\n\r\n")[2])


async def main(key: str, states: int, batch: int, uri: str) -> None:
    client, left = Client(uri, key), states
    waiting: asyncio.Queue[Any] = asyncio.Queue(batch)
    began = clock()

    async def report() -> None:
        while True:
            state = await waiting.get()
            body = {"outputs": [{"text": state["inputs"]["text"]}]}
            await client.post(f"{STATE}/{state['state_id']}/executed", body)
            waiting.task_done()

    callers = [asyncio.create_task(report()) for _ in range(CALLERS)]
    wanted = {"nodes": [node.__name__ for node in NODES], "batch_size": batch}
    while left:
        claimed = (await client.post(STATES, wanted))["states"]
        for state in claimed:
            await waiting.put(state)
        left -= len(claimed)
        if not claimed:  # what follows is added by outcomes that are still on their way
            await asyncio.sleep(0.005)
    await waiting.join()
    cost = clock() - began
    for caller in callers:
        caller.cancel()
    print(json.dumps({"states": states, "wall": cost.wall, "cpu": cost.cpu}))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
