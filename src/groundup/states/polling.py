"""Nodes and flows: a state manager is there, it knows the nodes and the flows, a worker polls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from groundup.config import Config
from groundup.dag import Lazy, state
from groundup.errors import UserError

if TYPE_CHECKING:
    from groundup.nodes import BaseNode
    from groundup.nodes.background import PollingWorker
    from groundup.states.flows import AppliedFlows
    from groundup.states.polling_parameters import (
        FlowApplication,
        ManagerReadiness,
        NodeRegistration,
        Polling,
    )

PARAMETERS = "groundup.states.polling_parameters"
FLOWS = "flows"  # folder of flow files in root


class ManagerAddress(NamedTuple):
    """A state manager that answers at ``uri`` to those who have ``key``."""

    uri: str
    key: str

    def __repr__(self) -> str:
        return f"ManagerAddress(uri={self.uri!r})"

    def __str__(self) -> str:
        return self.uri


class RegisteredNodes(NamedTuple):
    """Node classes that a state manager knows.

    :ivar name: of the worker.
    """

    namespace: str
    name: str
    classes: tuple[type[BaseNode], ...]

    def __str__(self) -> str:
        names = ", ".join(each.__name__ for each in self.classes)
        return f"{names} in {self.namespace}" if names else "no nodes are configured"


@state(needs=["ready"], params=f"{PARAMETERS}:ManagerReadiness")
def state_manager_ready(params: ManagerReadiness) -> Iterator[ManagerAddress]:
    """A state manager answers: the configured one, else the repository's own, which is served or joined."""
    from groundup.nodes.address import resolve
    from groundup.states.reaching import wait_for_manager

    address = resolve("default", None, None, "v0", embedded=params.embedded)
    with address.reached() as reached:
        found = ManagerAddress(reached.uri or "", reached.key or "")
        if address.factory is None:
            wait_for_manager(reached, params.wait)
        yield found


@state(params=f"{PARAMETERS}:NodeRegistration")
def nodes_registered(
    config: Config, state_manager_ready: Lazy[ManagerAddress], params: NodeRegistration
) -> RegisteredNodes:
    """The state manager knows the nodes of this repository."""
    import platform

    from groundup.states.node_classes import node_classes
    from groundup.states.reaching import register

    classes = node_classes(params.nodes, config)
    nodes = RegisteredNodes(params.namespace, params.name or platform.node() or "worker", classes)
    if classes:
        register(nodes, state_manager_ready.get())
    return nodes


@state(needs=["nodes_registered"], params=f"{PARAMETERS}:FlowApplication")
async def flows_applied(
    config: Config, state_manager_ready: ManagerAddress, params: FlowApplication
) -> AppliedFlows:
    """The flows in the repository's files are saved, and valid."""
    from groundup.nodes.flow_files import read_flows
    from groundup.states.flows import apply

    files = params.files
    if files is None:
        files = [FLOWS] if (config.root / FLOWS).is_dir() else []
    flows = read_flows([config.root / file for file in files], params.namespace)
    return await apply(flows, state_manager_ready, config.root, params.wait)


@state(params=f"{PARAMETERS}:Polling")
def nodes_polling(
    state_manager_ready: Lazy[ManagerAddress], nodes_registered: RegisteredNodes, params: Polling
) -> Iterator[PollingWorker]:
    """A worker of this process polls for work of the nodes and executes it."""
    from groundup.nodes.background import PollingWorker
    from groundup.nodes.runtime import Runtime

    if not nodes_registered.classes:
        hint = "for example: groundup poll --node my_nodes:MyNode, or nodes in the configuration"
        raise UserError("poll needs a node", hint=hint)
    manager = state_manager_ready.get()
    runtime = Runtime(
        nodes_registered.namespace,
        nodes_registered.name,
        nodes_registered.classes,
        manager.uri,
        manager.key,
        **params.model_dump(),
    )
    with PollingWorker(runtime) as worker:
        yield worker
