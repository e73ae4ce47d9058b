"""What the repository's configuration says about inference: ``[tool.groundup.neo.projects]``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from groundup import proto_kernel
from groundup.config import Config, load_config
from groundup.config.neo import check_neo


@dataclass(frozen=True)
class Settings:
    """`modules`: a distribution by module; `overrides`: what was decided, by module."""

    modules: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)

    def with_overrides(self, overrides: Mapping[str, str]) -> Settings:
        """Return the settings with `overrides` on top of their own."""
        return replace(self, overrides={**self.overrides, **overrides})


def configured_settings() -> Settings:
    """Return the settings of the environment that this process runs in; empty where no kernel made it.

    :raises GroundupError: the configuration cannot be read, or is wrong.
    """
    if proto_kernel.read_stamp(sys.prefix) is None:
        return Settings()
    return settings_of(load_config())


def settings_of(config: Config) -> Settings:
    """Return the settings in a configuration.

    :raises UserError: it is wrong; says file and line.
    """
    check_neo(config)
    table: Mapping[str, Mapping[str, str]] = config.neo.get("projects", {})
    return Settings(table.get("modules", {}), table.get("dependency_overrides", {}))
