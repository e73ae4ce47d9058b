"""Modules of states that a benchmark has written."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from groundup.dag import AnyState, State


def load_module(path: Path) -> ModuleType:
    """Execute a module anew and return it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_states(path: Path) -> list[AnyState]:
    """Return the states that a module declares."""
    return [value for value in vars(load_module(path)).values() if isinstance(value, State)]
