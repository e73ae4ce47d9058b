"""``groundup flow trigger|runs|run|cancel|retry``: runs of flows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from groundup.cli.managed import call, pairs, write_json, write_table
from groundup.cli.run_progress import wait_for_end
from groundup.cli.run_view import RunView, view_of

if TYPE_CHECKING:
    from groundup.nodes import StateManager

SUCCESS, PENDING = "SUCCESS", "PENDING"


def trigger(  # noqa: PLR0913 - the options of a run
    flow: str,
    *,
    inputs: Sequence[str],
    store: Sequence[str],
    delay: float,
    wait: bool,
    timeout: float | None,
    namespace: str,
    as_json: bool = False,
) -> int:
    """Start a run and print its id; with ``wait`` also what became of it: 1 when it did not succeed.

    :param inputs: of the root node, each ``NAME=VALUE``.
    :param store: values of the run's store, each ``KEY=VALUE``.
    :param delay: seconds that the root node waits.
    :param timeout: seconds after which it is not waited for any more.
    :raises UserError: an option has another form.
    :raises GroundupError: there is no manager, it refuses, or the run took too long.
    """
    given = {"inputs": pairs("--input", inputs), "store": pairs("--store", store)}

    async def work(client: StateManager) -> int:
        from groundup.nodes.wire import TriggerRequest

        request = TriggerRequest(**given, start_delay=round(delay * 1000))
        run_id = await client.start_run(flow, request)
        if not wait:
            if as_json:
                write_json({"run_id": run_id, "flow": flow, "status": PENDING})
            else:
                sys.stdout.write(f"{run_id}\n")
            return 0
        return await _followed(client, run_id, timeout, as_json=as_json)

    try:
        return call(namespace, work)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(f"a run that has begun goes on: `groundup flow runs {flow}` lists it")
        raise


def show(run_id: str, *, wait: bool, timeout: float | None, namespace: str, as_json: bool = False) -> int:
    """Print a run as a tree; with ``wait`` when it has ended: 1 when it did not succeed.

    :raises GroundupError: there is none, or no manager, or it took too long.
    """

    async def work(client: StateManager) -> int:
        if wait:
            return await _followed(client, run_id, timeout, as_json=as_json)
        _write(await view_of(client, run_id), as_json=as_json)
        return 0

    return call(namespace, work)


async def _followed(client: StateManager, run_id: str, timeout: float | None, *, as_json: bool) -> int:
    try:
        status = await wait_for_end(client, run_id, timeout)
    except BaseException:  # also when it is interrupted: the run goes on without this command
        with suppress(OSError):  # the terminal is gone
            sys.stderr.write(f"groundup flow run {run_id} shows what becomes of it\n")
        raise
    _write(await view_of(client, run_id), as_json=as_json)
    return 0 if status == SUCCESS else 1


def _write(run: RunView, *, as_json: bool) -> None:
    if as_json:
        write_json(run.data())
    else:
        sys.stdout.writelines(f"{line}\n" for line in run.lines())


def runs(flow: str | None, *, status: str | None, limit: int, namespace: str, as_json: bool = False) -> int:
    """List runs, the newest first.

    :raises GroundupError: there is no manager, or it refuses.
    """

    async def work(client: StateManager) -> list[dict[str, Any]]:
        from groundup.nodes.errors import NotOfferedError

        try:
            return await _listed(client, flow, status, limit)
        except NotOfferedError:
            return await _listed_anywhere(client, flow, status, limit)

    found = call(namespace, work)
    if as_json:
        write_json(found)
    elif found:
        head = ("RUN", "FLOW", "STATUS", "DONE", "FAILED", "ALL", "STARTED")
        keys = ("run_id", "flow", "status", "succeeded", "failed", "total", "created_at")
        write_table([head, *([str(run[key]) for key in keys] for run in found)])
    else:
        sys.stdout.write("there are no such runs\n")
    return 0


async def _listed(
    client: StateManager, flow: str | None, status: str | None, limit: int
) -> list[dict[str, Any]]:
    from groundup.nodes.extensions import RunFilter
    from groundup.nodes.models import FAILED

    wanted = RunFilter.model_validate({"graph_name": flow, "status": status, "limit": limit})
    return [
        {
            "run_id": run.run_id,
            "flow": run.graph_name,
            "status": run.status.value,
            "succeeded": sum(run.counts.get(each, 0) for each in run.counts if each in {SUCCESS, "PRUNED"}),
            "failed": sum(run.counts.get(each, 0) for each in FAILED),
            "total": sum(run.counts.values()),
            "created_at": run.created_at.isoformat(timespec="seconds"),
        }
        for run in (await client.list_runs(wanted)).runs
    ]


async def _listed_anywhere(
    client: StateManager, flow: str | None, status: str | None, limit: int
) -> list[dict[str, Any]]:
    """As :func:`_listed`, of the last thousand runs of a manager that is not groundup's."""
    found = [
        {
            "run_id": run.run_id,
            "flow": run.graph_name,
            "status": run.status.value,
            "succeeded": run.success_count,
            "failed": run.errored_count,
            "total": run.total_count,
            "created_at": run.created_at,
        }
        for run in (await client.page_of_runs(1, 1000)).runs
        if flow in (None, run.graph_name) and status in (None, run.status.value)
    ]
    return found[:limit]


def cancel(run_id: str, *, namespace: str, as_json: bool = False) -> int:
    """End a run.

    :raises GroundupError: there is none, it has ended, or the manager cannot.
    """

    async def work(client: StateManager) -> int:
        return (await client.cancel_run(run_id)).cancelled

    cancelled = call(namespace, work)
    if as_json:
        write_json({"run_id": run_id, "cancelled": cancelled})
    else:
        sys.stdout.write(f"cancelled {run_id}: {cancelled} node states\n")
    return 0


def retry(run_id: str, *, namespace: str, as_json: bool = False) -> int:
    """Run everything that failed again.

    :raises GroundupError: there is no such run, or the manager refuses.
    """

    async def work(client: StateManager) -> list[str]:
        return (await client.retry_run(run_id)).created

    created = call(namespace, work)
    if as_json:
        write_json({"run_id": run_id, "created": created})
    else:
        sys.stdout.write(f"retried {run_id}: {len(created)} node states\n")
    return 0
