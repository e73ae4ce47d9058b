"""How a worker ends: what runs is finished, what waits is given back."""

from __future__ import annotations

import asyncio
import threading

from groundup.manager import EmbeddedManager
from groundup.nodes import BaseNode, StateManager
from tests.support.gate import Gate
from tests.support.workers import Silent, running, runtime, slow_node, statuses, step, until


def test_running_executions_end_and_what_is_waiting_is_given_back(manager: EmbeddedManager) -> None:
    slow, started, go_on = slow_node()

    async def main() -> None:
        client = StateManager("demo", manager.uri, manager.key)
        worker = runtime([slow], manager.uri, manager.key, workers=1)
        async with running(worker) as task, client:
            await client.upsert_graph("flow", [step(slow, "a")], {})
            runs = [(await client.trigger("flow"))["run_id"] for _ in range(3)]
            await asyncio.wait_for(started.wait(), 20)

            async def claimed() -> bool:
                return {(await client.get_run(run)).nodes[0].status.value for run in runs} == {"QUEUED"}

            await until(claimed)
            worker.stop()

            async def given_back() -> bool:
                found = [(await client.get_run(run)).nodes[0].status.value for run in runs]
                return sorted(found) == ["CREATED", "CREATED", "QUEUED"]

            await until(given_back)
            assert not task.done()
            go_on.set()
            await asyncio.wait_for(task, 20)
            found = [(await client.get_run(run)).nodes[0].status.value for run in runs]
            assert sorted(found) == ["CREATED", "CREATED", "SUCCESS"]

    asyncio.run(main())


def test_outcomes_that_are_not_yet_delivered_are_waited_for(manager: EmbeddedManager) -> None:
    slow, started, go_on = slow_node()

    async def main() -> None:
        client = StateManager("demo", manager.uri, manager.key)
        with Gate(int(manager.uri.rpartition(":")[2])) as gate:
            worker = runtime([slow], gate.base, manager.key)
            async with running(worker) as task, client:
                await client.upsert_graph("flow", [step(slow, "a")], {})
                run_id = (await client.trigger("flow"))["run_id"]
                await asyncio.wait_for(started.wait(), 20)
                await asyncio.to_thread(gate.shut)
                go_on.set()
                worker.stop()
                asyncio.get_running_loop().call_later(0.3, gate.open)
                await asyncio.wait_for(task, 30)
                assert statuses(await client.get_run(run_id)) == [("a", "SUCCESS")]

    asyncio.run(main())


def test_what_does_not_end_in_time_is_cancelled_and_given_back(manager: EmbeddedManager) -> None:
    started = asyncio.Event()

    class Endless(BaseNode):
        async def execute(self) -> None:
            started.set()
            await asyncio.Event().wait()

    async def main() -> None:
        client = StateManager("demo", manager.uri, manager.key)
        worker = runtime([Endless], manager.uri, manager.key, grace_period=0.1)
        async with running(worker) as task, client:
            await client.upsert_graph("flow", [step(Endless, "a")], {})
            run_id = (await client.trigger("flow"))["run_id"]
            await asyncio.wait_for(started.wait(), 20)
            worker.stop()
            await asyncio.wait_for(task, 20)
            assert statuses(await client.get_run(run_id)) == [("a", "CREATED")]

    asyncio.run(main())


def test_a_stop_before_the_run_holds_and_the_runtime_can_run_again(manager: EmbeddedManager) -> None:
    async def main() -> None:
        worker = runtime([Silent], manager.uri, manager.key)
        worker.stop()
        await asyncio.wait_for(worker.run(), 20)
        async with running(worker):
            assert worker.registered.is_set()
        assert not worker.registered.is_set()

    asyncio.run(main())


def test_a_worker_that_waits_for_its_manager_stops_too() -> None:
    async def main() -> None:
        worker = runtime([Silent], "http://127.0.0.1:1", "k")
        task = asyncio.create_task(worker.run())
        await asyncio.sleep(0.1)
        assert not task.done()
        worker.stop()
        await asyncio.wait_for(task, 20)
        assert not worker.registered.is_set()

    asyncio.run(main())


def test_start_in_a_running_loop_is_a_task_of_it(manager: EmbeddedManager) -> None:
    async def main() -> None:
        worker = runtime([Silent], manager.uri, manager.key)
        task = worker.start()
        assert task is not None
        await asyncio.wait_for(worker.registered.wait(), 20)
        threading.Thread(target=worker.stop).start()  # from any thread
        await asyncio.wait_for(task, 20)

    asyncio.run(main())
