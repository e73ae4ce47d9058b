"""Running a flow whole: a manager in memory, a worker for its nodes, one run to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from groundup.nodes import (
    BaseNode,
    GraphNodeModel,
    RetryPolicyModel,
    RunStatus,
    Runtime,
    StateManager,
    StoreConfigModel,
)
from groundup.nodes.wire import NodeDetails
from groundup.testing.memory import InMemoryManager

_NAME = "flow"


@dataclass(frozen=True)
class FlowRun:
    """A run that has ended.

    :ivar status: of the run.
    :ivar nodes: its node states, in the order of their creation; values as they travel.
    """

    status: RunStatus
    nodes: list[NodeDetails]

    def outputs(self, identifier: str) -> list[dict[str, Any]]:
        """The outputs of every node state at a place of the flow that succeeded."""
        return [
            node.outputs
            for node in self.nodes
            if node.identifier == identifier and node.status.value == "SUCCESS"
        ]

    def errors(self) -> dict[str, str]:
        """What went wrong last, by identifier."""
        return {node.identifier: node.error for node in self.nodes if node.error is not None}


def run_flow(  # noqa: PLR0913 - what can be said of a run
    nodes: Sequence[type[BaseNode]],
    flow: Sequence[GraphNodeModel],
    *,
    inputs: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    store: Mapping[str, str] | None = None,
    store_config: StoreConfigModel | None = None,
    retry_policy: RetryPolicyModel | None = None,
    timeout: float = 60,
) -> FlowRun:
    """Run a flow of ``nodes`` once, in a manager of its own, and give what became of it.

    :param inputs: those of its first node that replace the flow's.
    :param secrets: of the flow.
    :param store: values for ``${{ store.key }}``.
    :param store_config: keys and defaults of the store.
    :param retry_policy: default: nothing is tried again, unlike in a real flow.
    :param timeout: seconds that the run may take.
    :raises StateManagerError: when the flow is wrong.
    :raises WaitTimeoutError: when it has not ended in time.

    Inside of a running event loop await :func:`arun_flow` instead.
    """
    return asyncio.run(
        arun_flow(
            nodes,
            flow,
            inputs=inputs,
            secrets=secrets,
            store=store,
            store_config=store_config,
            retry_policy=retry_policy,
            timeout=timeout,
        )
    )


async def arun_flow(  # noqa: PLR0913 - what can be said of a run
    nodes: Sequence[type[BaseNode]],
    flow: Sequence[GraphNodeModel],
    *,
    inputs: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    store: Mapping[str, str] | None = None,
    store_config: StoreConfigModel | None = None,
    retry_policy: RetryPolicyModel | None = None,
    timeout: float = 60,
) -> FlowRun:
    """As :func:`run_flow`, awaited."""
    namespace = flow[0].namespace if flow else "default"
    policy = retry_policy or RetryPolicyModel(max_retries=0)
    with InMemoryManager() as manager:
        at = (manager.uri, manager.key)
        worker = Runtime(namespace, "test", nodes, *at, grace_period=0)
        async with _working(worker), StateManager(namespace, *at) as client:
            await client.upsert_graph(
                _NAME, flow, secrets or {}, retry_policy=policy, store_config=store_config
            )
            run_id = (await client.trigger(_NAME, inputs, store))["run_id"]
            graph = await client.wait_for_run(run_id, timeout=timeout, poll_interval=0.01)
            details = [await client.get_node(_NAME, run_id, node.id) for node in graph.nodes]
            return FlowRun(graph.status, details)


@asynccontextmanager
async def _working(runtime: Runtime) -> AsyncIterator[None]:
    """Let ``runtime`` poll for the length of the block, which begins when its nodes are registered."""
    polling = asyncio.create_task(runtime.run())
    registered = asyncio.create_task(runtime.registered.wait())
    try:
        await asyncio.wait([polling, registered], return_when=asyncio.FIRST_COMPLETED)
        if polling.done():
            await polling
        yield
    finally:
        registered.cancel()
        runtime.stop()
        await asyncio.gather(polling, return_exceptions=True)
