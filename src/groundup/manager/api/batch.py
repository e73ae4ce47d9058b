"""Several outcomes in one request."""

from __future__ import annotations

import asyncio
from typing import Any

from groundup.manager.api.errors import status_of
from groundup.manager.errors import ManagerError
from groundup.manager.operations import bulk
from groundup.manager.operations.outcomes import Answer
from groundup.manager.service import ManagerService
from groundup.nodes.wire import extensions


async def report(
    service: ManagerService, namespace: str, request: extensions.OutcomesRequest
) -> extensions.OutcomesResponse:
    """Carry out each outcome; gives what each is answered with."""
    items = request.outcomes
    answers = await service.change(bulk.record_plain, namespace, items)
    rest = [item for item, answer in zip(items, answers, strict=True) if answer is None]
    others = iter(await asyncio.gather(*(_report_one(service, namespace, item) for item in rest)))
    results = [
        next(others) if answer is None else _given(item.state_id, answer)
        for item, answer in zip(items, answers, strict=True)
    ]
    for item, result in zip(items, results, strict=True):
        if result["status_code"] == 200:
            service.metrics.recorded(item.outcome)
    return extensions.OutcomesResponse.model_validate({"results": results})


def _given(state_id: str, answer: Answer) -> dict[str, Any]:
    return {"state_id": state_id, "status_code": 200, "body": answer}


async def _report_one(service: ManagerService, namespace: str, item: extensions.AnyOutcome) -> dict[str, Any]:
    try:
        return _given(item.state_id, await service.change(bulk.record_one, namespace, item))
    except ManagerError as error:
        status, detail = status_of(error)
    return {"state_id": item.state_id, "status_code": status, "body": {"detail": detail}}
