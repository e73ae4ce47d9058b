"""The effective configuration, as states get it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from groundup.errors import GroundupError

_EMPTY: Mapping[str, Any] = MappingProxyType({})


class Config(NamedTuple):
    """The configuration that the environment was built for.

    :ivar root: the repository's root folder, absolute.
    :ivar venv: the environment's folder, absolute.
    :ivar env: name of the environment, when one is chosen.
    :ivar target: the state that `boot` reaches.
    :ivar neo: the table ``[tool.groundup.neo]``.
    :ivar values: every effective value, by key, as ``config --json`` prints it.
    """

    root: Path
    venv: Path
    env: str | None = None
    target: str = "ready"
    neo: Mapping[str, Any] = _EMPTY
    values: Mapping[str, Any] = _EMPTY

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Config:
        """Return the configuration that the kernel describes by `values`."""
        return cls(
            root=Path(values["root"]),
            venv=Path(values["venv"]),
            env=values["env"],
            target=values["target"],
            neo=values["neo"],
            values=values,
        )

    @property
    def data(self) -> Path:
        """Folder for what groundup keeps in this repository; made when it is first written to."""
        return self.root / ".groundup"

    def place(self, *keys: str | int, item: str = "") -> str:
        """Return ``file:line`` of the value under `keys`, or of the nearest table above it that is set.

        :param item: a text of the list under `keys`, whose own line is wanted.
        """
        from groundup.config.provenance import place_of

        return place_of(self.values, keys, item)

    def __str__(self) -> str:
        return f"{self.root} (environment {self.env})" if self.env else str(self.root)


def load_config(config: str | None = None) -> Config:
    """Return the effective configuration of the environment that this process runs in.

    :param config: name of a configuration file of its own, ``groundup.<config>.toml``.
    :raises GroundupError: the configuration cannot be read; says file, line and what to do. Also where no
        kernel made the environment.
    """
    from groundup import proto_kernel

    if proto_kernel.read_stamp(sys.prefix) is None:
        raise GroundupError(
            f"no kernel made the environment {sys.prefix}", hint="start it through proto_kernel.py"
        )
    try:
        return Config.from_values(proto_kernel.get_config(config=config))
    except proto_kernel.KernelError as error:
        raise GroundupError(str(error), hint=error.hint, exit_code=error.code) from error
