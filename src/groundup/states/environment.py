"""The environment that this process runs in."""

from __future__ import annotations

from pathlib import Path

from groundup.config import Config, load_config
from groundup.dag import state


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
