"""What clients can do beyond the protocol's own SDK: whole flows, runs as a whole."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel

from groundup.nodes.client_calls import ClientCalls, answer
from groundup.nodes.connection import Reply, Safety
from groundup.nodes.errors import GraphRefusedError, NotOfferedError, WaitTimeoutError
from groundup.nodes.extensions import (
    CancelResponse,
    RetryFailedResponse,
    RunFilter,
    RunInfo,
    RunPage,
    StatePage,
    StateSummary,
    TriggerInfo,
    TriggerList,
)
from groundup.nodes.wire import (
    FAILED,
    GraphResponse,
    RunGraph,
    RunsResponse,
    TriggerRequest,
    TriggerResponse,
    UpsertGraphRequest,
    ValidationStatus,
)

PAGE = 1000  # node states
_PAUSE_SECONDS = 0.2
_VALUE_ERROR = re.compile(r"Value error, (.*?) \[type=value_error", re.DOTALL)


class GraphVerdict(BaseModel):
    """Whether a flow can run, and when it was changed."""

    validation_status: ValidationStatus
    validation_errors: list[str]
    updated_at: str = ""


class ExtendedCalls(ClientCalls):
    """Flows as requests of the protocol, and what groundup's manager offers below `/v1`.

    Against another manager, the methods that need `/v1` raise
    :class:`~groundup.nodes.errors.NotOfferedError`.
    """

    async def save_graph(
        self, graph_name: str, request: UpsertGraphRequest, timeout: float = 60
    ) -> GraphVerdict:
        """Save a flow and wait until it is verified; whether it is valid stands in the answer.

        :param timeout: seconds that another manager may take to verify it.
        :raises GraphRefusedError: when it is malformed; nothing is saved then.
        :raises WaitTimeoutError: when the verification takes too long.
        """
        body = request.model_dump(mode="json")
        reply = await self._call("PUT", "graph", graph_name, body=body)
        if reply.status in {400, 422}:
            raise GraphRefusedError(graph_name, tuple(_messages(reply)))
        graph = GraphVerdict.model_validate(answer(reply, f"flow {graph_name} cannot be saved"))
        deadline = time.monotonic() + timeout
        while graph.validation_status is ValidationStatus.PENDING:
            if time.monotonic() > deadline:
                raise WaitTimeoutError(
                    f"flow {graph_name} was not verified after {timeout:g} s", hint="look again later"
                )
            await asyncio.sleep(_PAUSE_SECONDS)
            graph = await self.verdict(graph_name) or graph
        return graph

    async def read_graph(self, graph_name: str) -> GraphResponse:
        """A flow as the manager keeps it.

        :raises StateManagerError: when there is none.
        """
        reply = await self._call("GET", "graph", graph_name)
        what = f"flow {graph_name} of namespace {self.namespace} cannot be read"
        return GraphResponse.model_validate(answer(reply, what))

    async def verdict(self, graph_name: str) -> GraphVerdict | None:
        """Whether a flow can run; None when there is none.

        :raises StateManagerError: when the manager refuses.
        """
        reply = await self._call("GET", "graph", graph_name)
        what = f"flow {graph_name} cannot be read"
        return None if reply.status == 404 else GraphVerdict.model_validate(answer(reply, what))

    async def list_graphs(self) -> list[dict[str, Any]]:
        """The flows of the namespace, as the manager describes them.

        :raises StateManagerError: when the manager refuses.
        """
        reply = await self._call("GET", "graphs", "")
        templates: list[dict[str, Any]] = answer(reply, "flows cannot be listed")["templates"]
        return templates

    async def delete_graph(self, graph_name: str) -> None:
        """Remove a flow with its triggers; its runs go on.

        :raises StateManagerError: when there is none.
        """
        await self._extended(f"flow {graph_name} cannot be deleted", "DELETE", "graph", graph_name)

    async def list_triggers(self, graph_name: str) -> list[TriggerInfo]:
        """The cron triggers of a flow.

        :raises StateManagerError: when the manager refuses.
        """
        query = urlencode({"graph_name": graph_name})
        body = await self._extended("triggers cannot be listed", "GET", "triggers", query=query)
        return TriggerList.model_validate(body).triggers

    async def start_run(self, graph_name: str, request: TriggerRequest) -> str:
        """Start a run and give its id.

        :raises StateManagerError: when the manager refuses.
        """
        body = request.model_dump(mode="json")
        reply = await self._call("POST", "graph", graph_name, "trigger", body=body, safety=Safety.ONCE)
        return TriggerResponse.model_validate(answer(reply, f"flow {graph_name} cannot be triggered")).run_id

    async def list_runs(self, wanted: RunFilter = RunFilter()) -> RunPage:  # noqa: B008 - it never changes
        """Runs that fit, the newest first.

        :raises StateManagerError: when the manager refuses.
        """
        query = urlencode(wanted.model_dump(mode="json", exclude_none=True))
        return RunPage.model_validate(
            await self._extended("runs cannot be listed", "GET", "runs", query=query)
        )

    async def page_of_runs(self, page: int = 1, size: int = 100) -> RunsResponse:
        """A page of runs, the newest first; of any state manager.

        :raises StateManagerError: when the manager refuses.
        """
        reply = await self._call("GET", "runs", str(page), str(size))
        return RunsResponse.model_validate(answer(reply, "runs cannot be listed"))

    async def describe_run(self, run_id: str) -> RunInfo:
        """A run: its status, and how many node states are in which.

        :raises StateManagerError: when there is none.
        """
        return RunInfo.model_validate(
            await self._extended(f"run {run_id} cannot be read", "GET", "runs", run_id)
        )

    async def list_states(self, run_id: str) -> Sequence[StateSummary]:
        """All node states of a run, in the order of their creation.

        :raises StateManagerError: when the manager refuses.
        """
        found: list[StateSummary] = []
        before: int | None = None
        while True:
            place = {} if before is None else {"before": before}
            query = urlencode({"run_id": run_id, "limit": PAGE, **place})
            body = await self._extended("node states cannot be listed", "GET", "states", query=query)
            page = StatePage.model_validate(body)
            found += page.states
            if page.next is None:
                return found[::-1]
            before = page.next

    async def cancel_run(self, run_id: str) -> CancelResponse:
        """End a run: what waits or is executed becomes ERRORED, and nothing follows.

        :raises StateManagerError: when there is none, or it has ended.
        """
        what = f"run {run_id} cannot be cancelled"
        return CancelResponse.model_validate(await self._extended(what, "POST", "runs", run_id, "cancel"))

    async def retry_run(self, run_id: str) -> RetryFailedResponse:
        """Run every node state of a run that failed again, with all its attempts.

        :raises StateManagerError: when there is no such run.
        """
        body = {"fanout_id": uuid.uuid4().hex}
        what = f"run {run_id} cannot be retried"
        path = ("runs", run_id, "retry-failed")
        try:
            found = await self._extended(what, "POST", *path, body=body, safety=Safety.ONCE)
        except NotOfferedError:
            return RetryFailedResponse(run_id=run_id, created=await self._retry_each(run_id, what))
        return RetryFailedResponse.model_validate(found)

    async def _retry_each(self, run_id: str, what: str) -> list[str]:
        """As the protocol has it: one by one."""
        graph = await self._call("GET", "states", "run", run_id, "graph")
        created = []
        for node in RunGraph.model_validate(answer(graph, what)).nodes:
            if node.status in FAILED:
                body = {"fanout_id": uuid.uuid4().hex}
                path = ("state", node.id, "manual-retry")
                reply = await self._call("POST", *path, body=body, safety=Safety.ONCE)
                created.append(str(answer(reply, what)["id"]))
        return created


def _messages(reply: Reply) -> Iterator[str]:
    """What the manager finds wrong with a flow, without the frame that pydantic puts around it."""
    body = reply.json()
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list):
        for problem in detail:
            place = ".".join(map(str, problem.get("loc", ())))
            yield f"{place}: {problem.get('msg', '')}"
        return
    found = _VALUE_ERROR.findall(reply.detail)
    yield from "\n".join(found).splitlines() if found else [reply.detail]
