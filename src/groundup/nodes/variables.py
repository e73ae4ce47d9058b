"""Variables: those of this process, over those of ``.env`` in root."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def variables() -> dict[str, str]:
    """The variables of this process, and those of ``.env`` that it does not have."""
    from dotenv import dotenv_values

    found = dotenv_values(root() / ".env")
    return {**{name: value for name, value in found.items() if value is not None}, **os.environ}


def root() -> Path:
    """The repository of the environment that this process runs in; without one the working folder."""
    from groundup import proto_kernel

    stamp = proto_kernel.read_stamp(sys.prefix)
    return Path.cwd() if stamp is None else Path(stamp.values["root"])
