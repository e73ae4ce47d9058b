"""Outcomes that are recorded together are answered each for itself, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from groundup.manager.desk import OutcomeDesk
from groundup.manager.errors import NotFoundError
from groundup.nodes.wire import extensions
from tests.support.manager import NAMESPACE, Bench, place


def test_outcomes_that_fail_together_for_whatever_reason_are_recorded_one_by_one(bench: Bench) -> None:
    bench.register()
    bench.save(place("only"))
    for _ in range(10):
        bench.trigger()
    ids = [state.state_id for state in bench.claim()]

    async def write(operation: Callable[..., Any], namespace: str, what: Any, /) -> Any:
        if isinstance(what, list):
            raise LookupError("nobody expected this")
        return await asyncio.to_thread(bench.do, operation, namespace, what)

    async def report_all() -> list[Any]:
        desk = OutcomeDesk(write, writers=1)
        outcomes = [
            extensions.ExecutedOutcome(outcome="executed", state_id=state_id, outputs=[])
            for state_id in [*ids, "0" * 24]
        ]
        answers = (desk.record(NAMESPACE, outcome) for outcome in outcomes)
        return await asyncio.wait_for(asyncio.gather(*answers, return_exceptions=True), 30)

    *answers, missing = asyncio.run(report_all())
    assert answers == [{"status": "EXECUTED"}] * 10
    assert isinstance(missing, NotFoundError)
