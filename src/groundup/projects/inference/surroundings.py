"""What a script finds without any requirement: modules beside it, and the Python that it is for."""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from groundup.projects.inference.standard import NEWEST, OLDEST, Version
from groundup.projects.metadata import Declared
from groundup.projects.script import Script

EXTENSIONS = (".so", ".pyd")


def siblings(script: Script) -> frozenset[str]:
    """Return the names of modules and packages beside a script; none for code that is in no file."""
    if script.path is None:
        return frozenset()
    try:
        return frozenset(name for entry in script.path.parent.iterdir() if (name := _module_of(entry)))
    except OSError:  # a folder that cannot be listed shows Python no modules either
        return frozenset()


def target_version(requires_python: Declared | None) -> Version:
    """Return the Python that a script is read for: this one where it is allowed, else the newest that is."""
    own = (sys.version_info[0], sys.version_info[1])
    if requires_python is None:
        return own
    try:
        allowed = SpecifierSet(requires_python.text)
    except InvalidSpecifier:  # told with its place where the requirements are checked
        return own
    patch = ".".join(str(part) for part in sys.version_info[:3])
    if allowed.contains(patch, prereleases=True):
        return own
    minors = range(NEWEST[1], OLDEST[1] - 1, -1)
    return next(((3, m) for m in minors if any(allowed.contains(f"3.{m}.{p}") for p in (0, 9, 99))), own)


def _module_of(entry: Path) -> str:
    if entry.is_dir():
        return entry.name if entry.name.isidentifier() and _is_package(entry) else ""
    if entry.suffix == ".py":
        return entry.stem
    return entry.name.partition(".")[0] if entry.suffix in EXTENSIONS else ""


def _is_package(folder: Path) -> bool:
    return next(folder.glob("*.py"), None) is not None or next(folder.glob("*/*.py"), None) is not None
