"""What became of runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from groundup.manager.clock import iso
from groundup.manager.errors import NotFoundError, RejectedError
from groundup.manager.operations.context import Session
from groundup.manager.store import runs, states
from groundup.nodes.wire import (
    FAILED,
    UNFINISHED,
    NodeDetails,
    RunEdge,
    RunGraph,
    RunItem,
    RunNode,
    RunsResponse,
    StateStatus,
    run_status,
)

_STATE_ID = re.compile(r"[0-9a-f]{24}")
_LARGEST_PAGE = 10_000
_SUCCEEDED = frozenset({StateStatus.SUCCESS, StateStatus.PRUNED})
_RETRIED = frozenset({StateStatus.RETRY_CREATED})


def list_runs(session: Session, namespace: str, page: int, size: int) -> RunsResponse:
    """A page of runs, the newest first; a size of 0 is as many as a page may have."""
    limit = min(size or _LARGEST_PAGE, _LARGEST_PAGE)
    rows = runs.page(session.connection, namespace, (page - 1) * size, limit)
    counts = runs.summaries(session.connection, [row.id for row in rows])
    return RunsResponse(
        namespace=namespace,
        total=runs.count(session.connection, namespace),
        page=page,
        size=size,
        runs=[_run_item(row, counts[row.id]) for row in rows],
    )


def _run_item(row: Row[Any], counts: dict[StateStatus, int]) -> RunItem:
    return RunItem(
        run_id=row.id,
        graph_name=row.flow_name,
        success_count=_total(counts, _SUCCEEDED),
        pending_count=_total(counts, UNFINISHED),
        errored_count=_total(counts, FAILED),
        retried_count=_total(counts, _RETRIED),
        total_count=sum(counts.values()),
        status=run_status(counts),
        created_at=iso(row.created_at),
    )


def _total(counts: Mapping[StateStatus, int], statuses: frozenset[StateStatus]) -> int:
    return sum(counts.get(status, 0) for status in statuses)


def run_graph(session: Session, namespace: str, run_id: str) -> RunGraph:
    """The node states of a run and how they follow from one another; empty for an unknown run."""
    run = runs.find(session.connection, namespace, run_id)
    rows = runs.states(session.connection, run_id) if run else []
    nodes = [_run_node(row) for row in rows]
    edges = [RunEdge(source=list(row.parents.values())[-1], target=row.id) for row in rows if row.parents]
    summary = dict.fromkeys(StateStatus, 0)
    for node in nodes:
        summary[node.status] += 1
    return RunGraph(
        root_states=[node for node, row in zip(nodes, rows, strict=True) if not row.parents],
        graph_name=run.flow_name if run else "",
        nodes=nodes,
        edges=edges,
        node_count=len(nodes),
        edge_count=len(edges),
        execution_summary=summary,
    )


def _run_node(row: Row[Any]) -> RunNode:
    return RunNode(
        id=row.id,
        node_name=row.node_name,
        identifier=row.identifier,
        status=StateStatus(row.status),
        error=row.error,
    )


def node_details(session: Session, place: tuple[str, str], run_id: str, node_id: str) -> NodeDetails:
    """Everything about one node state of a run of the flow at ``place``, which is (namespace, name).

    :raises RejectedError: for what cannot be an id.
    :raises NotFoundError: when the run has no such node state.
    """
    namespace, name = place
    if not _STATE_ID.fullmatch(node_id.lower()):
        raise RejectedError(f"Invalid node ID format: {node_id}")
    run = runs.find(session.connection, namespace, run_id)
    state = states.find(session.connection, node_id.lower())
    if run is None or state is None or state.run_id != run_id or run.flow_name != name:
        raise NotFoundError(f"Node {node_id} not found in run {run_id} for graph {name}")
    return NodeDetails(
        id=state.id,
        node_name=state.node_name,
        identifier=state.identifier,
        graph_name=name,
        run_id=run_id,
        status=state.status,
        inputs=state.inputs,
        outputs=state.outputs,
        error=state.error,
        parents=state.parents,
        created_at=iso(state.created_at),
        updated_at=iso(state.updated_at),
    )
