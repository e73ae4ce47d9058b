"""Fingerprints of folders: equal when names, contents and executable bits are."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

LEFT_OUT = frozenset({".git", "__pycache__", ".DS_Store"})


def key_of(parts: Any) -> str:
    """Return 32 hexadecimal digits that stand for `parts`, which JSON can say."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def folder_key(folder: Path) -> str:
    """Return the fingerprint of all files of a folder."""
    return key_of([_entry(folder, path) for path in _files(folder)])


def matching_key(folder: Path, patterns: Iterable[str]) -> str:
    """Return the fingerprint of the files of a folder that patterns name, themselves or a folder above."""
    found: set[Path] = set()
    for pattern in patterns:
        for path in folder.glob(pattern):
            if path.name not in LEFT_OUT:
                found.update(_files(path) if path.is_dir() and not path.is_symlink() else [path])
    return key_of([_entry(folder, path) for path in sorted(found)])


def _files(folder: Path) -> Iterator[Path]:
    """Yield all that is no folder, sorted; links to folders are not followed."""
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        if entry.name in LEFT_OUT:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            yield Path(entry.path)


def _entry(folder: Path, path: Path) -> tuple[str, ...]:
    name = str(path.relative_to(folder))
    link = str(path.readlink()) if path.is_symlink() else ""
    if not path.is_file():
        return name, link
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return name, link, digest, "x" if os.access(path, os.X_OK) else ""
