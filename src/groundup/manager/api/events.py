"""Server-sent events: a stream for everybody who watches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from groundup.manager.errors import ManagerError
from groundup.manager.operations import watching
from groundup.manager.service import ManagerService

STREAM = {
    "description": "Events, until the run has ended",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
"""The answer, for the OpenAPI description."""

_MOST_STREAMS = 100
_LOOK_SECONDS = 1.0  # other managers do not ring the bell of this one
_PAUSE_SECONDS = 0.05
_ALIVE_SECONDS = 15.0
_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class Watched(BaseModel):
    """What to watch: the node states of one run until it ends, or all runs of the namespace."""

    run_id: str | None = None


async def stream(
    service: ManagerService, namespace: str, wanted: Watched, request: Request
) -> StreamingResponse:
    """What happens from now on; a run is told from its beginning, or from the header `last-event-id` on.

    :raises HTTPException: 429 when too many watch already.
    """
    if service.watchers >= _MOST_STREAMS:
        raise HTTPException(429, f"More than {_MOST_STREAMS} streams of events at the same time")
    watch = _watch(namespace, wanted, request.headers.get("last-event-id", ""))
    first = await service.read(watching.look, watch)
    return StreamingResponse(_texts(service, watch, first), media_type="text/event-stream", headers=_HEADERS)


def _watch(namespace: str, wanted: Watched, last: str) -> watching.Watch:
    if wanted.run_id is None:
        return watching.NamespaceWatch(namespace)
    since = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else 0
    return watching.RunWatch(namespace, wanted.run_id, since)


async def _texts(
    service: ManagerService, watch: watching.Watch, events: list[watching.Event]
) -> AsyncIterator[str]:
    silence = 0.0
    service.watchers += 1
    try:
        with service.bell.listening() as rung, suppress(ManagerError):  # a run may be removed meanwhile
            yield ": watching\n\n"
            while True:
                for event in events:
                    yield _text(event)
                if watch.ended or service.bell.closed:
                    return
                silence = 0.0 if events else silence + _LOOK_SECONDS
                if silence >= _ALIVE_SECONDS:
                    silence = 0.0
                    yield ": alive\n\n"
                await asyncio.sleep(_PAUSE_SECONDS)  # what happens at once is told together
                with suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), _LOOK_SECONDS)
                rung.clear()
                events = list(await service.read(watching.look, watch))
    finally:
        service.watchers -= 1


def _text(event: watching.Event) -> str:
    data = json.dumps(event.data, separators=(",", ":"))
    return f"event: {event.name}\nid: {event.number}\ndata: {data}\n\n"
