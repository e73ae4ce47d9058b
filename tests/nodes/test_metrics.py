"""What a worker counts, as Prometheus reads it."""

from __future__ import annotations

import asyncio
import re
import socket
from urllib.request import urlopen

import pytest

from groundup.manager import EmbeddedManager
from groundup.nodes import BaseNode, RetryPolicyModel, StateManager
from groundup.nodes.errors import NodesError
from tests.support.gate import Gate
from tests.support.workers import Silent, running, runtime, step, until


class Failing(BaseNode):
    async def execute(self) -> None:
        raise ValueError("broken")


def read(uri: str) -> dict[str, float]:
    with urlopen(uri, timeout=30) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in re.findall(r"(?m)^(groundup\S+) (\S+)$", text)}


def test_executions_claims_and_retries_are_counted(manager: EmbeddedManager) -> None:
    async def main() -> None:
        with Gate(int(manager.uri.rpartition(":")[2]), lost_answer=b"/executed") as gate:
            worker = runtime([Silent, Failing], gate.base, manager.key, metrics_port=0)
            async with running(worker), StateManager("demo", manager.uri, manager.key) as client:
                assert worker.metrics_uri is not None and worker.metrics_uri.startswith("http://127.0.0.1:")
                flow = [step(Silent, "a", "b"), step(Failing, "b")]
                await client.upsert_graph("flow", flow, {}, retry_policy=RetryPolicyModel(max_retries=0))
                run_id = (await client.trigger("flow"))["run_id"]
                await client.wait_for_run(run_id, timeout=30)
                uri = worker.metrics_uri
                await until(lambda: read(uri)["groundup_held_node_states"] == 0)
                counted = read(uri)
        assert counted["groundup_claimed_node_states_total"] == 2
        assert counted['groundup_execution_seconds_count{node="Silent",outcome="executed"}'] == 1
        assert counted['groundup_execution_seconds_count{node="Failing",outcome="errored"}'] == 1
        assert counted["groundup_retried_calls_total"] >= 1
        assert counted['groundup_worker_info{namespace="demo",runtime="worker"}'] == 1
        assert worker.metrics_uri is None
        with pytest.raises(OSError, match="refused"):
            read(uri)

    asyncio.run(main())


def test_a_taken_port_is_an_error_before_anything_is_registered(manager: EmbeddedManager) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        worker = runtime([Silent], manager.uri, manager.key, metrics_port=port)
        with pytest.raises(NodesError, match=f"metrics cannot be served on 127.0.0.1:{port}"):
            asyncio.run(worker.run())
