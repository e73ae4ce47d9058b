"""What stands in a built environment, asked of its own Python."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

from tests.support.process import run

LIST = """
import json
from importlib.metadata import distributions
print(json.dumps({d.metadata["Name"]: d.version for d in distributions()}))
"""


def ask(repo: Path, code: str, venv: str = ".venv") -> CompletedProcess[str]:
    """Run Python code in an environment, past the kernel and without writing byte code."""
    return run([str(repo / venv / "bin/python"), "-IB", "-c", code], env={"LANG": "C.UTF-8"}, cwd=repo)


def installed(repo: Path, venv: str = ".venv") -> dict[str, str]:
    """Return the distributions in an environment, `{name: version}`."""
    found: dict[str, str] = json.loads(ask(repo, LIST, venv).stdout)
    return found


def origin(repo: Path, module: str, venv: str = ".venv") -> Path:
    """Return the file that a module is imported from."""
    return Path(ask(repo, f"import {module}; print({module}.__file__)", venv).stdout.strip())
