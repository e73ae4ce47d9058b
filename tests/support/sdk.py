"""The protocol's own SDK, unchanged, in an environment that has it and nothing of groundup."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from groundup.projects.uv import find_uv, uv_environment
from tests.support.process import interpreters
from tests.support.requirements import require

SDK = "exospherehost==0.0.3"


def make_environment(folder: Path) -> Path:
    """The interpreter of a new environment in `folder`."""
    found = interpreters()
    python = found.get("3.12") or found.get("3.13")
    require(python, "Python 3.12 or 3.13")
    uv, environment = find_uv(), uv_environment(os.environ)
    for command in (
        ["venv", "--python", str(python), str(folder)],
        ["pip", "install", "-p", str(folder), SDK],
    ):
        subprocess.run([uv, "--quiet", *command], env=environment, check=True)
    return folder / "bin/python"
