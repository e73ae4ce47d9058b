"""Byte code of a repository's own modules is used only where it is surely that of the source.

Python compares the source's size and its time of modification in whole seconds with those that stand in the
byte code. Two edits of one second and one size are the same to it, and the older one would run for ever.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.importlib import PathEntryFinderProtocol as PathEntryFinder

from groundup.dag.raising import INSTALLED

SURE = (
    2_000_000_000  # nanoseconds between an edit and its byte code; some file systems keep even seconds only
)


def distrust_young_bytecode(folder: Path) -> None:
    """From now on, modules below `folder` are compiled anew where their byte code is hardly older than they.

    Packages installed in an environment below `folder` are left to Python: nobody edits them in place.
    """
    root = str(folder)
    if any(isinstance(hook, _Finders) and hook.root == root for hook in sys.path_hooks):
        return
    sys.path_hooks.insert(0, _Finders(root))
    for path in list(sys.path_importer_cache):  # a copy: other threads may import meanwhile
        if _is_own(path, root):
            sys.path_importer_cache.pop(path, None)


class SourceLoader(SourceFileLoader):
    """Compiles a module where its byte code may be that of an earlier edit."""

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the file as it is now."""
        if _is_young(self.path) and not _is_removed(cache_from_source(self.path)):
            return self.source_to_code(self.get_data(self.path), self.path)
        return super().get_code(fullname)


_finder = FileFinder.path_hook(
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (SourceLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)


class _Finders:
    """Makes the finder of a folder below `root`; other folders are for the next hook."""

    def __init__(self, root: str) -> None:
        self.root = root

    def __call__(self, path: str) -> PathEntryFinder:
        if not _is_own(path, self.root):
            raise ImportError(f"{path} is not a folder of {self.root}", path=path)
        return _finder(path)


def _is_own(path: str, root: str) -> bool:
    inside = path == root or path.startswith(root + os.sep)
    return inside and not any(name in Path(path).parts for name in INSTALLED)


def _is_young(source: str) -> bool:
    try:
        written = Path(cache_from_source(source)).stat().st_mtime_ns
        return written - Path(source).stat().st_mtime_ns < SURE
    except OSError:  # no byte code
        return False


def _is_removed(bytecode: str) -> bool:
    path = Path(bytecode)
    try:
        path.unlink()
    except OSError:
        return not path.exists()
    return True
