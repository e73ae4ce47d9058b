"""Node classes that a repository names: ``module:Class``."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groundup.config import Config
from groundup.config.neo import check_neo, node_references
from groundup.errors import UserError
from groundup.states.importing import append_path

if TYPE_CHECKING:
    from groundup.nodes import BaseNode


def node_classes(references: Sequence[str] | None, config: Config) -> tuple[type[BaseNode], ...]:
    """Return the node classes of ``references``, else those of the configuration.

    Variables of ``.env`` in root that this process does not have are set first: modules may read them.

    :raises UserError: there is no such module or class, or it cannot be a node.
    """
    from groundup.nodes.validation import check_nodes
    from groundup.nodes.variables import variables

    os.environ.update(variables())
    classes = tuple(_load(reference, place, config) for reference, place in _named(references, config))
    check_nodes(classes)
    return classes


def _named(references: Sequence[str] | None, config: Config) -> list[tuple[str, str]]:
    """Return the references of the nodes, each with what names it in messages."""
    if references is not None:
        return [(reference, f"node {reference}") for reference in references]
    check_neo(config)
    return [
        (reference, f"{config.place('neo', 'nodes', item=reference)}: {reference}")
        for reference in node_references(config)
    ]


def _load(reference: str, what: str, config: Config) -> type[Any]:
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
