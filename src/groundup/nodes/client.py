"""The client of a state manager: save flows, trigger them, follow their runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from groundup.nodes.address import resolve
from groundup.nodes.client_extensions import ExtendedCalls
from groundup.nodes.connection import Reply, Safety
from groundup.nodes.errors import StateManagerError, WaitTimeoutError
from groundup.nodes.models import (
    CronTrigger,
    GraphNodeModel,
    RetryPolicyModel,
    RunStatus,
    StoreConfigModel,
    ValidationStatus,
)
from groundup.nodes.wire import NodeDetails, RunGraph


class StateManager(ExtendedCalls):
    """Calls a state manager in one namespace.

    Used as an asynchronous context manager it keeps one pooled connection; else each call makes its own.

    :param namespace: namespace of the flows.
    :param state_manager_uri: default: `EXOSPHERE_STATE_MANAGER_URI`.
    :param key: API key; default: `EXOSPHERE_API_KEY`.
    :param state_manager_version: version of the protocol; ``state_manage_version`` is the same.
    :raises RuntimeConfigurationError: when URI or key is missing.
    """

    def __init__(
        self,
        namespace: str,
        state_manager_uri: str | None = None,
        key: str | None = None,
        state_manager_version: str = "v0",
        *,
        state_manage_version: str | None = None,
    ) -> None:
        version = state_manage_version or state_manager_version
        super().__init__(resolve(namespace, state_manager_uri, key, version))

    async def trigger(
        self,
        graph_name: str,
        inputs: Mapping[str, str] | None = None,
        store: Mapping[str, str] | None = None,
        start_delay: int = 0,
    ) -> dict[str, Any]:
        """Start a run and give the manager's answer, its ``run_id`` in it.

        :param inputs: inputs of the root node that replace those of the flow.
        :param store: values for ``${{ store.key }}``.
        :param start_delay: milliseconds.
        :raises StateManagerError: when the manager refuses.
        """
        body = {"inputs": dict(inputs or {}), "store": dict(store or {}), "start_delay": start_delay}
        reply = await self._call("POST", "graph", graph_name, "trigger", body=body, safety=Safety.ONCE)
        return _body(reply, "Failed to trigger state")

    async def get_graph(self, graph_name: str) -> dict[str, Any]:
        """A flow as the manager keeps it.

        :raises StateManagerError: when there is none.
        """
        return _body(await self._call("GET", "graph", graph_name), "Failed to get graph")

    async def upsert_graph(  # noqa: PLR0913, PLR0917 - names and order are those of the protocol's own SDK
        self,
        graph_name: str,
        graph_nodes: Sequence[GraphNodeModel],
        secrets: Mapping[str, str],
        retry_policy: RetryPolicyModel | None = None,
        store_config: StoreConfigModel | None = None,
        triggers: Sequence[CronTrigger] | None = None,
        validation_timeout: float = 60,
        polling_interval: float = 1,
    ) -> dict[str, Any]:
        """Save a flow and wait until it is verified; times in seconds.

        :raises StateManagerError: when it is malformed or does not fit the registered nodes.
        :raises WaitTimeoutError: when the verification takes longer than ``validation_timeout``.
        """
        body: dict[str, Any] = {
            "secrets": dict(secrets),
            "nodes": [node.model_dump(mode="json") for node in graph_nodes],
        }
        if retry_policy is not None:
            body["retry_policy"] = retry_policy.model_dump(mode="json")
        if store_config is not None:
            body["store_config"] = store_config.model_dump(mode="json")
        if triggers is not None:
            body["triggers"] = [{"type": "CRON", "value": item.model_dump()} for item in triggers]
        graph = _body(await self._call("PUT", "graph", graph_name, body=body), "Failed to upsert graph")
        deadline = time.monotonic() + validation_timeout
        while graph["validation_status"] == ValidationStatus.PENDING:
            if time.monotonic() > deadline:
                raise WaitTimeoutError(f"Graph validation check timed out after {validation_timeout} seconds")
            await asyncio.sleep(polling_interval)
            graph = await self.get_graph(graph_name)
        return _valid(graph)

    async def get_run(self, run_id: str) -> RunGraph:
        """The node states of a run; its ``status`` is that of the run.

        :raises StateManagerError: when there is no such run in this namespace.
        """
        reply = await self._call("GET", "states", "run", run_id, "graph")
        graph = RunGraph.model_validate(_body(reply, "Failed to get run"))
        if not graph.nodes:
            raise StateManagerError(f"there is no run {run_id}", hint="check run id and namespace")
        return graph

    async def get_node(self, graph_name: str, run_id: str, node_id: str) -> NodeDetails:
        """Everything about one node state of a run.

        :raises StateManagerError: when there is none.
        """
        reply = await self._call("GET", "graph", graph_name, "run", run_id, "node", node_id)
        return NodeDetails.model_validate(_body(reply, "Failed to get node"))

    async def wait_for_run(
        self, run_id: str, timeout: float | None = None, poll_interval: float = 0.1
    ) -> RunGraph:
        """Wait until a run has ended, successfully or not; times in seconds.

        :raises WaitTimeoutError: when it has not ended after ``timeout``.
        :raises StateManagerError: when there is no such run.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (graph := await self.get_run(run_id)).status is RunStatus.PENDING:
            if deadline is not None and time.monotonic() > deadline:
                counts = graph.execution_summary.items()
                told = ", ".join(f"{count} {status.value}" for status, count in counts if count)
                raise WaitTimeoutError(
                    f"run {run_id} has not ended after {timeout} s: {told}",
                    hint="check that a runtime polls for its nodes",
                )
            await asyncio.sleep(poll_interval)
        return graph


def _body(reply: Reply, problem: str) -> dict[str, Any]:
    body = reply.json()
    if not reply.ok or not isinstance(body, dict):
        raise StateManagerError(f"{problem}: {reply.status} {reply.text}")
    return body


def _valid(graph: dict[str, Any]) -> dict[str, Any]:
    status = graph["validation_status"]
    if status != ValidationStatus.VALID:
        raise StateManagerError(
            f"Graph validation failed: {status} and errors: {graph['validation_errors']}",
            hint="correct the flow, or register its nodes first",
        )
    return graph
