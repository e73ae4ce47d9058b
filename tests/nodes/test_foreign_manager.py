"""Workers and clients against a manager that knows nothing of groundup: an outcome is delivered once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from groundup.nodes import StateManager
from groundup.nodes.errors import StateManagerError, UnreachableError, WaitTimeoutError
from tests.support.foreign_manager import Fault, ForeignManager, answer, drop
from tests.support.gate import Gate
from tests.support.workers import Silent, running, runtime, slow_node, step, until


@pytest.fixture
def foreign() -> Iterator[ForeignManager]:
    with ForeignManager() as manager:
        yield manager


def work(foreign: ForeignManager, *, calls: int) -> None:
    """Let a worker poll until so many outcomes were sent, and a little longer."""

    async def main() -> None:
        async with running(runtime([Silent], foreign.base, "k")):
            await until(lambda: foreign.calls["executed"] >= calls)
            polls = foreign.calls["enqueue"]
            await until(lambda: foreign.calls["enqueue"] > polls + 3)

    asyncio.run(main())


def test_the_worker_serves_it_like_any_other(foreign: ForeignManager) -> None:
    states = [foreign.queue("Silent") for _ in range(40)]
    work(foreign, calls=40)
    assert sorted(state_id for state_id, _ in foreign.outcomes) == states
    assert foreign.calls["executed"] == 40
    assert foreign.calls["renew"] == 0


@pytest.mark.parametrize("fault", [drop, answer(500, b"{}"), answer(200, b"<html>"), answer(502, b"")])
def test_after_an_ambiguous_answer_the_outcome_is_not_sent_again(
    foreign: ForeignManager, fault: Fault
) -> None:
    first, second = foreign.queue("Silent"), foreign.queue("Silent")
    foreign.faults["executed"] = [fault]
    work(foreign, calls=2)
    assert foreign.calls["executed"] == 2
    assert foreign.calls["errored"] == 0
    assert sorted(state_id for state_id, _ in foreign.outcomes) == sorted([first, second])


def test_what_met_no_connection_is_delivered_when_the_manager_is_back(foreign: ForeignManager) -> None:
    slow, started, go_on = slow_node()

    async def main() -> None:
        with Gate(foreign.port) as gate:
            async with running(runtime([slow], gate.base, "k")):
                state_id = foreign.queue("Slow")
                await asyncio.wait_for(started.wait(), 20)
                await asyncio.to_thread(gate.shut)
                go_on.set()
                await asyncio.sleep(0.3)
                assert foreign.outcomes == []
                gate.open()
                await until(lambda: [delivered for delivered, _ in foreign.outcomes] == [state_id])

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["enqueue", "nodes"])
@pytest.mark.parametrize("fault", [drop, answer(500, b"{}"), answer(200, b"<html>")])
def test_faults_of_other_calls_are_survived(foreign: ForeignManager, kind: str, fault: Fault) -> None:
    foreign.faults[kind] = [fault]
    polls = foreign.calls["enqueue"]

    async def main() -> None:
        async with running(runtime([Silent], foreign.base, "k")):
            await until(lambda: foreign.calls["enqueue"] > polls + 2)
            state_id = foreign.queue("Silent")
            await until(lambda: bool(foreign.outcomes))
            assert [delivered for delivered, _ in foreign.outcomes] == [state_id]

    asyncio.run(main())
    assert foreign.faults[kind] == []


def test_a_slow_verification_is_waited_for(foreign: ForeignManager) -> None:
    client = StateManager("demo", foreign.base, "k")

    async def save(checks: int, verdict: str, timeout: float = 20) -> dict[str, object]:
        foreign.checks, foreign.verdict = checks, verdict
        return await client.upsert_graph(
            "g", [step(Silent, "a")], {}, validation_timeout=timeout, polling_interval=0.01
        )

    assert asyncio.run(save(3, "VALID"))["validation_status"] == "VALID"
    with pytest.raises(StateManagerError, match=r"Graph validation failed: INVALID and errors: \['why'\]"):
        asyncio.run(save(2, "INVALID"))
    with pytest.raises(WaitTimeoutError, match=r"Graph validation check timed out after 0.05 seconds"):
        asyncio.run(save(10**6, "VALID", timeout=0.05))


def test_a_trigger_is_never_sent_twice(foreign: ForeignManager) -> None:
    foreign.faults["trigger"] = [drop]

    async def main() -> None:
        with pytest.raises(UnreachableError, match="does not answer"):
            await StateManager("demo", foreign.base, "k").trigger("g")

    asyncio.run(main())
    assert foreign.calls["trigger"] == 1
