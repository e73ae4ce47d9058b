"""Languages of the repository's configuration: ``[tool.groundup.neo.languages]``."""

from __future__ import annotations

import sys
from pathlib import Path

from groundup import proto_kernel
from groundup.config import Config, load_config
from groundup.config.neo import check_neo


def configured_languages() -> dict[str, Path]:
    """Return the folder of each language that the repository of this process's environment has, by name.

    There are none where no kernel made the environment.

    :raises GroundupError: the configuration cannot be read, or is wrong.
    """
    if proto_kernel.read_stamp(sys.prefix) is None:
        return {}
    return languages_of(load_config())


def languages_of(config: Config) -> dict[str, Path]:
    """Return the folder of each language in a configuration, by name.

    :raises UserError: it is wrong; says file and line.
    """
    check_neo(config)
    table = config.neo.get("languages", {})
    return {name: config.root / folder for name, folder in table.items()}
