"""Several outcomes in one request; their transitions share commits."""

from __future__ import annotations

import asyncio
from typing import Any

from groundup.manager.api.errors import status_of
from groundup.manager.errors import ManagerError
from groundup.manager.operations import outcomes
from groundup.manager.service import ManagerService
from groundup.nodes.wire import (
    ErroredRequest,
    ExecutedRequest,
    PruneRequest,
    ReEnqueueAfterRequest,
    extensions,
)


async def report(
    service: ManagerService, namespace: str, request: extensions.OutcomesRequest
) -> extensions.OutcomesResponse:
    """Carry out each outcome; gives what each is answered with."""
    results = await asyncio.gather(*(_report_one(service, namespace, item) for item in request.outcomes))
    return extensions.OutcomesResponse(results=results)


async def _report_one(
    service: ManagerService, namespace: str, item: extensions.AnyOutcome
) -> extensions.OutcomeResult:
    try:
        status, body = 200, await _write(service, namespace, item)
    except ManagerError as error:
        status, detail = status_of(error)
        body = {"detail": detail}
    return extensions.OutcomeResult(state_id=item.state_id, status_code=status, body=body)


async def _write(service: ManagerService, namespace: str, item: extensions.AnyOutcome) -> dict[str, Any]:
    match item:
        case extensions.ExecutedOutcome():
            executed = ExecutedRequest(outputs=item.outputs)
            return await service.change(outcomes.executed, namespace, item.state_id, executed)
        case extensions.ErroredOutcome():
            errored = ErroredRequest(error=item.error)
            return await service.change(outcomes.errored, namespace, item.state_id, errored)
        case extensions.PrunedOutcome():
            pruned = PruneRequest(data=item.data)
            return await service.change(outcomes.pruned, namespace, item.state_id, pruned)
        case extensions.RequeuedOutcome():
            requeued = ReEnqueueAfterRequest(enqueue_after=item.enqueue_after)
            return await service.change(outcomes.requeued, namespace, item.state_id, requeued)
