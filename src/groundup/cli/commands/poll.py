"""``groundup poll [--node MODULE:CLASS]…``: a worker of nodes that this repository names."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Sequence
from typing import Any

from groundup.cli.extras import needing
from groundup.config import Config, load_config
from groundup.config.neo import check_neo, node_references
from groundup.errors import UserError
from groundup.states.importing import append_path


def poll(nodes: Sequence[str], *, namespace: str, name: str | None, **options: Any) -> int:
    """Poll a state manager for work and execute it, until SIGTERM or Ctrl-C.

    Without ``EXOSPHERE_STATE_MANAGER_URI`` and ``EXOSPHERE_API_KEY`` the embedded manager is used, on
    ``<root>/.groundup/manager.db``: this process serves it, or joins one that does. Variables of ``.env`` in
    root that this process does not have are set.

    :param nodes: node classes as ``module:Class``, in modules of the environment, else of root; default:
        those of the configuration.
    :param namespace: where the nodes are registered.
    :param name: name of the runtime; default: the machine's.
    :param options: of the runtime.
    :raises UserError: no node is named, or one cannot be found.
    :raises GroundupError: the manager refuses, or cannot be started.
    """
    config = load_config()
    named = _named(nodes, config)
    with needing("poll", "nodes"):
        from groundup.nodes import Runtime
        from groundup.nodes.variables import variables

        os.environ.update(variables())
    classes = [_load(reference, place, config) for reference, place in named]
    Runtime(namespace, name or platform.node() or "worker", classes, **options).start()
    return 0


def _named(nodes: Sequence[str], config: Config) -> list[tuple[str, str]]:
    """Return the references of the nodes, each with what names it in messages."""
    if nodes:
        return [(reference, f"--node {reference}") for reference in nodes]
    check_neo(config)
    configured = node_references(config)
    if not configured:
        hint = "for example: groundup poll --node my_nodes:MyNode, or nodes in the configuration"
        raise UserError("poll needs a node", hint=hint)
    return [
        (reference, f"{config.place('neo', 'nodes', item=reference)}: {reference}")
        for reference in configured
    ]


def _load(reference: str, what: str, config: Config) -> type:
    """Return the class that ``module:Class`` names.

    :param what: names the reference, and where it stands, in messages.
    :raises UserError: there is no such module or class.
    """
    module_name, _, class_name = reference.partition(":")
    if not module_name or not class_name:
        raise UserError(f"{what}: not MODULE:CLASS", hint="for example: my_nodes:MyNode")
    append_path(config.root)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        hint = f"modules are looked for in the environment and in {config.root}"
        raise UserError(f"{what}: there is no module {module_name}", hint=hint) from None
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        classes = ", ".join(name for name, value in vars(module).items() if isinstance(value, type))
        raise UserError(
            f"{what}: {module.__file__} has no class {class_name}", hint=f"it has: {classes or 'none'}"
        )
    return found
