"""Interpreters that lack what a distribution may have taken out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.support.process import run

LEFT_OUT = ("ensurepip", "site-packages", "test", "venv")


def stripped(python: Path, folder: Path) -> Path:
    """Make an interpreter in `folder` like `python`, without pip, venv and ensurepip; return its path."""
    prefix, library = _places(python)
    (folder / "bin").mkdir(parents=True)
    shutil.copy(python.resolve(), folder / "bin/python3")
    own = folder / "lib" / library.name
    own.mkdir(parents=True)
    for entry in library.iterdir():
        if entry.name not in LEFT_OUT:
            (own / entry.name).symlink_to(entry)
    for shared in (prefix / "lib").glob("libpython*"):
        (folder / "lib" / shared.name).symlink_to(shared)
    return folder / "bin/python3"


def _places(python: Path) -> tuple[Path, Path]:
    """Return the prefix of an interpreter and the folder of its standard library."""
    code = "import sys, os; print(sys.base_prefix); print(os.path.dirname(os.__file__))"
    probe = run([str(python), "-I", "-c", code], env=dict(os.environ), cwd=Path("/"), check=True)
    prefix, library = probe.stdout.splitlines()
    return Path(prefix), Path(library)
