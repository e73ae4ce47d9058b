"""The process of one execution: a request on stdin, the answer on stdout. See ``process.py``."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import sys
import traceback
from operator import attrgetter
from typing import Any

_MAIN = "__groundup_main__"  # so that a script does not start its worker again


def main() -> int:
    """Read a request, execute it and write the answer; what the node prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.load(sys.stdin.buffer)
    _limit_memory(request["memory"])
    sys.path[:] = request["sys_path"]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s | %(levelname)s | %(name)s | %(message)s")
    with answers:
        json.dump(_answer(request), answers)
    return 0


def _limit_memory(most: int | None) -> None:
    if most is not None:
        import resource

        # of data where the system counts all of it as that: reserved addresses are no memory
        kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
        resource.setrlimit(kind, (most, most))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from groundup.nodes.signals import PruneSignal, ReQueueAfterSignal

    try:
        return {"outcome": "executed", "outputs": asyncio.run(_execute(request))}
    except PruneSignal as signal:
        return _pruned(signal.data)
    except ReQueueAfterSignal as signal:
        delay = signal.delay.total_seconds() if signal.delay is not None else None
        at = signal.at.isoformat() if signal.at is not None else None
        return {"outcome": "re-enqueue-after", "delay": delay, "at": at}
    except MemoryError:
        return _failed(f"The node needed more memory than its limit of {request['memory']} bytes")
    except BaseException as error:
        from groundup.nodes.outcomes import message_of

        traceback.print_exc()
        return _failed(message_of(error))


def _failed(message: str) -> dict[str, Any]:
    return {"outcome": "errored", "error": message}


def _pruned(data: Any) -> dict[str, Any]:
    try:
        json.dumps(data, allow_nan=False)
    except (TypeError, ValueError) as error:
        return _failed(f"the data of the prune signal is not JSON: {error}")
    return {"outcome": "prune", "data": data}


async def _execute(request: dict[str, Any]) -> list[dict[str, str]]:
    from groundup.nodes.context import NodeContext
    from groundup.nodes.execution import execute

    node = _node(**request["node"])
    inputs, secrets = request["inputs"], request["secrets"]
    if request["manager"] is None:
        return await execute(node, inputs, secrets, NodeContext(**request["context"]))
    from groundup.nodes.address import Address
    from groundup.nodes.connection import Connection
    from groundup.nodes.endpoints import WorkerEndpoints

    async with Connection(Address(**request["manager"])) as connection:
        connection.announced = request["extended"]
        context = NodeContext(**request["context"], _link=WorkerEndpoints(connection))
        return await execute(node, inputs, secrets, context)


def _node(module: str, name: str, script: str | None) -> Any:
    if script is None:
        return attrgetter(name)(importlib.import_module(module))
    spec = importlib.util.spec_from_file_location(_MAIN, script)
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} is not a Python file")
    found = importlib.util.module_from_spec(spec)
    sys.modules[_MAIN] = found
    spec.loader.exec_module(found)
    return attrgetter(name)(found)


if __name__ == "__main__":
    sys.exit(main())
