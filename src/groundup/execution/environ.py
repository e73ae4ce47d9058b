"""The variables of a script: the caller's, without anything of the caller's Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_PREFIXES = ("PYTHON", "VIRTUAL_ENV", "CONDA_")
_NAMES = ("_OLD_VIRTUAL_PATH", "__PYVENV_LAUNCHER__")


def hermetic_environ(
    environ: Mapping[str, str], interpreter: Path, extra: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return `environ` without the caller's environments of Python, then `extra` on top.

    On PATH the folder of `interpreter` comes first, and those of the caller's environments are missing.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(_PREFIXES) and name not in _NAMES
    }
    callers = _bin_folders(environ)
    path = [folder for folder in kept.get("PATH", os.defpath).split(os.pathsep) if folder not in callers]
    kept["PATH"] = os.pathsep.join([str(interpreter.parent), *path])
    return {**kept, **(extra or {})}


def _bin_folders(environ: Mapping[str, str]) -> set[str]:
    """Return the executable folders of the caller's virtual environments."""
    prefixes = [environ[name] for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)]
    if sys.prefix != sys.base_prefix:
        prefixes.append(sys.prefix)
    return {str(Path(prefix, "bin")) for prefix in prefixes}
