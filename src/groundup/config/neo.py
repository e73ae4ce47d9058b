"""The table ``[tool.groundup.neo]``: its keys, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from groundup import proto_kernel
from groundup.config.model import Config
from groundup.errors import UserError


def is_texts(value: Any) -> bool:
    """Return whether `value` is a list of texts, none of them empty."""
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def is_tables(value: Any) -> bool:
    """Return whether `value` is a table of tables."""
    return isinstance(value, dict) and all(isinstance(item, dict) for item in value.values())


def is_project_settings(value: Any) -> bool:
    """Return whether `value` is a table of the two tables of text that inference reads."""
    return (
        is_tables(value)
        and value.keys() <= {"modules", "dependency_overrides"}
        and all(isinstance(text, str) for table in value.values() for text in table.values())
    )


def is_texts_by_name(value: Any) -> bool:
    """Return whether `value` is a table of texts, none of them empty."""
    return isinstance(value, dict) and all(isinstance(item, str) and item for item in value.values())


# The keys that are read, each with what its value must be. Whoever reads a new one adds it here.
KEYS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "states": (is_texts, "a list of module names"),
    "params": (is_tables, "a table for each state"),
    "projects": (is_project_settings, "the tables modules and dependency_overrides, of text by module"),
    "languages": (is_texts_by_name, "a folder for each language"),
    "nodes": (is_texts, "a list of node classes, MODULE:CLASS"),
}


def check_neo(config: Config) -> None:
    """Refuse what nothing would read.

    :raises UserError: an unknown key, or a value of the wrong kind; says file, line and what to do.
    """
    for key, value in config.neo.items():
        if key not in KEYS:
            near = proto_kernel.nearest(key, list(KEYS))
            raise UserError(
                f"{config.place('neo', key)}: unknown key 'neo.{key}'",
                hint=f"did you mean {near!r}?" if near else f"known keys: {', '.join(KEYS)}",
            )
        fits, expected = KEYS[key]
        if not fits(value):
            raise UserError(
                f"{config.place('neo', key)}: neo.{key} must be {expected}",
                hint="see its reference in the documentation",
            )


def state_modules(config: Config) -> list[str]:
    """Return the names of the modules that the configuration takes states from."""
    return list(config.neo.get("states", []))


def state_params(config: Config) -> Mapping[str, Mapping[str, Any]]:
    """Return the parameters of states in the configuration, by state and key."""
    tables: Mapping[str, Mapping[str, Any]] = config.neo.get("params", {})
    return tables


def node_references(config: Config) -> list[str]:
    """Return the node classes that a worker of this repository polls for, as ``module:Class``."""
    return list(config.neo.get("nodes", []))
