"""The entry points of a group in this environment, read without ``importlib.metadata``, which costs 20 ms."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

GROUP = "groundup.states"
INFO = (".dist-info", ".egg-info")


class EntryPoint(NamedTuple):
    """One line of a distribution's entry points.

    :ivar distribution: its name as its metadata writes it.
    :ivar value: what the entry point names, without extras.
    """

    distribution: str
    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.name} of {self.distribution}"


def entry_points(group: str = GROUP, path: Iterable[str] | None = None) -> list[EntryPoint]:
    """Return the entry points of `group`, sorted by distribution and name.

    Of two distributions of one name, the first on `path` counts, as in an import.

    :param path: folders; default: ``sys.path``.
    """
    found: dict[str, list[EntryPoint]] = {}
    header = f"[{group}]".encode()
    for folder in dict.fromkeys(sys.path if path is None else path):
        for info in _infos(folder):
            name = _normalized(info)
            text = _read(f"{info}/entry_points.txt")
            given = list(_parse(text.decode(errors="replace"), group, info)) if header in text else []
            found.setdefault(name, given)
    return sorted(each for group_ in found.values() for each in group_)


def _infos(folder: str) -> list[str]:
    try:
        with os.scandir(folder or ".") as entries:
            return sorted(entry.path for entry in entries if entry.name.endswith(INFO))
    except OSError:  # an archive, or not there
        return []


def _normalized(info: str) -> str:
    """Return the distribution's name in ``name-version.dist-info``, as names are compared."""
    name = os.path.split(info)[1].rpartition(".")[0].partition("-")[0]
    return name.replace("_", "-").replace(".", "-").lower()


def _parse(text: str, group: str, info: str) -> Iterator[EntryPoint]:
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == f"[{group}]"
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield EntryPoint(_distribution(info), name.strip(), value.partition("[")[0].strip())


def _distribution(info: str) -> str:
    import re

    for name in ("METADATA", "PKG-INFO"):
        found = re.search(r"(?m)^Name: *(.+)$", _read(f"{info}/{name}").decode(errors="replace"))
        if found:
            return found[1].strip()
    return os.path.split(info)[1]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a run opens one for each distribution
            return file.read()
    except OSError:
        return b""
