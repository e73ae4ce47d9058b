"""Where a value of the configuration stands: asked for by errors and listings, never on the way of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup import proto_kernel

UNKNOWN = "the configuration"


def place_of(values: Mapping[str, Any], keys: tuple[str | int, ...], item: str = "") -> str:
    """Return ``file:line`` of the effective value under `keys`, or of the table that is nearest above it.

    The configuration files are read again, so the line is that of the file as it is now.

    :param values: the effective values, as the kernel gives them.
    :param item: a text of the list under `keys`, whose own line is wanted.
    """
    source = _source(values, keys)
    if source is None:
        return UNKNOWN
    place: str = source.place(*keys)
    return _place_in_list(source.text, place, item) if item else place


def _source(values: Mapping[str, Any], keys: tuple[str | int, ...]) -> Any:
    """Return the kernel's source of the longest part of `keys` that is set; None when there is none."""
    options = [f"--{name}={values[name]}" for name in ("config", "env") if values.get(name)]
    try:
        found = proto_kernel.Configuration(values["kernel"], proto_kernel.parse_input(options, {}))
    except (proto_kernel.KernelError, OSError, KeyError):  # it was changed or moved meanwhile
        return None
    for length in range(len(keys), 0, -1):
        for source in reversed(found.sources):
            if source.has(*keys[:length]):
                return source
    return None


def _place_in_list(text: str, place: str, item: str) -> str:
    path, _, line = place.rpartition(":")
    written = (f'"{item}"', f"'{item}'")
    for number, content in enumerate(text.split("\n")[int(line) - 1 :], int(line)):
        if any(form in content for form in written):
            return f"{path}:{number}"
    return place


def shown(place: str, root: Path) -> str:
    """Return a path or ``file:line`` for a listing: relative to `root` where it is inside."""
    inside = f"{root}/"
    return place.removeprefix(inside)
