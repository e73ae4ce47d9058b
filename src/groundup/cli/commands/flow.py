"""``groundup flow apply|schema|list|show|delete``: flows at the state manager."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundup.cli.failures import tell
from groundup.cli.managed import call, check_extra, params_of, write_json, write_table
from groundup.cli.running import Options, held, repository
from groundup.errors import UserError

if TYPE_CHECKING:
    from groundup.nodes import StateManager
    from groundup.nodes.extensions import TriggerInfo
    from groundup.nodes.wire import GraphNodeModel, GraphResponse
    from groundup.states.flows import AppliedFlow, AppliedFlows

TARGET = "flows_applied"


def apply(files: Sequence[str], *, namespace: str | None, register: bool, as_json: bool = False) -> int:
    """Reach ``flows_applied`` and print what became of each flow; 1 when one cannot run.

    :param files: flow files and folders of them; none: those of the state.
    :param namespace: where flows are saved that do not say it themselves.
    :param register: whether the nodes of the configuration are registered before.
    :raises UserError: a file is no flow; nothing was saved.
    :raises GroundupError: there is no manager, or it refuses.
    """
    check_extra()
    from groundup.states.flows import AppliedFlows, FlowsNotValidError

    here = repository()
    given = {"files": [here.path_from_root(file) for file in files] or None, "namespace": namespace}
    tables: dict[str, dict[str, Any]] = {TARGET: {key: value for key, value in given.items() if value}}
    if not register:
        tables["nodes_registered"] = {"nodes": []}
    try:
        with held([TARGET], Options(params=params_of(tables), captures=False)) as report:
            applied = report.value(TARGET)
    except FlowsNotValidError as error:
        _write(error.applied, as_json=as_json)
        sys.stdout.flush()  # before what is told on stderr
        wrong = sum(not flow.ok for flow in error.applied.flows)
        tell(f"{wrong} of {len(error.applied.flows)} flows cannot run", error.hint)
        return error.exit_code
    if not isinstance(applied, AppliedFlows):  # what replaces the state may give something else
        sys.stdout.write(f"{applied}\n")
        return 0
    if not applied.flows:
        raise UserError("there are no flow files", hint="name files or folders, or put them into flows/")
    _write(applied, as_json=as_json)
    return 0


def _write(applied: AppliedFlows, *, as_json: bool) -> None:
    if as_json:
        write_json({"flows": [_applied_data(flow) for flow in applied.flows]})
        return
    for flow in applied.flows:
        sys.stdout.write(f"{'✓' if flow.ok else '✗'} {flow.name} ({flow.namespace}) {_ending(flow)}\n")
        sys.stdout.writelines(f"    {error}\n" for error in flow.errors)


def _ending(flow: AppliedFlow) -> str:
    return flow.change if flow.ok else f"{flow.change}: {flow.status}, by {flow.file}"


def _applied_data(flow: AppliedFlow) -> dict[str, Any]:
    return {
        "name": flow.name,
        "namespace": flow.namespace,
        "file": flow.file,
        "change": flow.change,
        "status": flow.status,
        "errors": list(flow.errors),
    }


def schema() -> int:
    """Print the JSON schema of flow files."""
    from groundup.nodes.flow_files.schemas import published

    sys.stdout.write(published())
    return 0


def list_flows(*, namespace: str, as_json: bool = False) -> int:
    """List the flows of a namespace.

    :raises GroundupError: there is no manager, or it refuses.
    """
    templates = call(namespace, _listed)
    found = [_summary(template) for template in sorted(templates, key=lambda each: str(each["name"]))]
    if as_json:
        write_json(found)
    elif found:
        head = ("FLOW", "STATUS", "NODES", "TRIGGERS", "UPDATED")
        write_table([head, *(_row(flow) for flow in found)])
    else:
        sys.stdout.write(f"there are no flows in {namespace}\n")
    return 0


async def _listed(client: StateManager) -> list[dict[str, Any]]:
    return await client.list_graphs()


def _summary(template: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": template["name"],
        "namespace": template["namespace"],
        "status": template["validation_status"],
        "errors": template["validation_errors"],
        "nodes": [node["identifier"] for node in template["nodes"]],
        "triggers": len(template["triggers"]),
        "updated_at": template["updated_at"],
    }


def _row(flow: Mapping[str, Any]) -> Sequence[str]:
    return (flow["name"], flow["status"], str(len(flow["nodes"])), str(flow["triggers"]), flow["updated_at"])


def show(name: str, *, namespace: str, as_json: bool = False) -> int:
    """Show a flow.

    :raises GroundupError: there is none, or no manager.
    """

    async def work(client: StateManager) -> tuple[GraphResponse, list[TriggerInfo]]:
        from groundup.nodes.errors import NotOfferedError

        flow = await client.read_graph(name)
        try:
            return flow, await client.list_triggers(name)
        except NotOfferedError:
            return flow, []

    flow, triggers = call(namespace, work)
    if as_json:
        timed = [trigger.model_dump(mode="json") for trigger in triggers]
        write_json({"name": name, "namespace": namespace, **flow.model_dump(mode="json"), "times": timed})
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(name, namespace, flow, triggers))
    return 0


def _lines(name: str, namespace: str, flow: GraphResponse, triggers: Sequence[TriggerInfo]) -> Iterator[str]:
    yield f"{name} ({namespace}) {flow.validation_status.value}"
    yield from (f"    {error}" for error in flow.validation_errors)
    yield "nodes:"
    yield from (f"  {_described(node, namespace)}" for node in flow.nodes)
    policy = flow.retry_policy
    yield f"retries: {policy.max_retries}, {policy.strategy.value}, {policy.backoff_factor} ms"
    store = flow.store_config
    keys = [*store.required_keys, *(f"{key}={value}" for key, value in store.default_values.items())]
    if keys:
        yield f"store: {', '.join(keys)}"
    if flow.secrets:
        yield f"secrets: {', '.join(flow.secrets)}"
    for trigger in triggers:
        when = "paused" if trigger.paused else f"next at {trigger.next_at.isoformat()}"
        yield f"trigger: {trigger.trigger.expression}, {when}"


def _described(node: GraphNodeModel, namespace: str) -> str:
    where = "" if node.namespace == namespace else f" of {node.namespace}"
    unites = f", unites {node.unites.identifier} at {node.unites.strategy.value}" if node.unites else ""
    names = [f"{name} (if)" if name in (node.conditions or {}) else name for name in node.next_nodes or ()]
    follows = f" → {', '.join(names)}" if names else ""
    return f"{node.identifier} ({node.node_name}{where}{unites}){follows}"


def delete(names: Sequence[str], *, namespace: str) -> int:
    """Remove flows with their triggers.

    :raises GroundupError: there is none of one name, or the manager cannot.
    """

    async def work(client: StateManager) -> None:
        for name in names:
            await client.delete_graph(name)
            sys.stdout.write(f"deleted {name}\n")

    call(namespace, work)
    return 0
