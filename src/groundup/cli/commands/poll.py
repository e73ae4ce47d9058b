"""``groundup poll --node MODULE:CLASS``: a worker of nodes that this repository names."""

from __future__ import annotations

import importlib
import logging
import platform
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from groundup.cli.extras import needing
from groundup.config import load_config
from groundup.errors import UserError
from groundup.states.importing import append_path

FORMAT = "%(asctime)s | %(levelname)s | %(name)s | %(message)s"


def poll(nodes: Sequence[str], *, namespace: str, name: str | None, workers: int) -> int:
    """Poll a state manager for work and execute it, until SIGTERM or Ctrl-C.

    Without ``EXOSPHERE_STATE_MANAGER_URI`` and ``EXOSPHERE_API_KEY`` this process serves the embedded
    manager meanwhile, on ``<root>/.groundup/manager.db``.

    :param nodes: node classes as ``module:Class``; modules of the environment, else of root.
    :param namespace: where the nodes are registered.
    :param name: name of the runtime; default: the machine's.
    :param workers: how many node states are executed at once.
    :raises UserError: no node is named, or one cannot be found.
    :raises GroundupError: the manager refuses, or cannot be started.
    """
    if not nodes:
        raise UserError("poll needs a node", hint="for example: groundup poll --node my_nodes:MyNode")
    with needing("poll", "manager", "nodes"):
        from groundup.manager import EmbeddedManager
        from groundup.nodes import Runtime, set_embedded_manager
    config = load_config()
    classes = [load_node(reference, config.root) for reference in nodes]
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=FORMAT)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # the server is a part of this worker here
    set_embedded_manager(partial(EmbeddedManager, config.data / "manager.db"))
    Runtime(namespace, name or platform.node() or "worker", classes, workers=workers).start()
    return 0


def load_node(reference: str, root: Path) -> type:
    """Return the class that ``module:Class`` names.

    :raises UserError: there is no such module or class.
    """
    module_name, _, class_name = reference.partition(":")
    if not module_name or not class_name:
        raise UserError(f"--node {reference}: not MODULE:CLASS", hint="for example: my_nodes:MyNode")
    append_path(root)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        hint = f"modules are looked for in the environment and in {root}"
        raise UserError(f"--node {reference}: there is no module {module_name}", hint=hint) from None
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        classes = ", ".join(name for name, value in vars(module).items() if isinstance(value, type))
        raise UserError(
            f"--node {reference}: {module.__file__} has no class {class_name}",
            hint=f"it has: {classes or 'none'}",
        )
    return found
