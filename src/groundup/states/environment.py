"""The environment that this process runs in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundup.config import Config, load_config
from groundup.dag import StateGraph, state


@state
def config() -> Config:
    """The configuration that this environment was built for."""
    return load_config()


@state
def repo_root(config: Config) -> Path:
    """The repository's root folder."""
    return config.root


@state
def ready(config: Config) -> Path:
    """The environment is ready: the kernel made it so before this process began."""
    return config.venv


def known_values(graph: StateGraph, configuration: Config) -> dict[str, Any]:
    """Return the values of the states above that `graph` has, without evaluating them."""
    root, venv = configuration.root, configuration.venv
    values = ((config, configuration), (repo_root, root), (ready, venv))
    return {
        state.name: value for state, value in values if state.name in graph and graph[state.name] is state
    }
