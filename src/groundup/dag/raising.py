"""Where in a client's own source an error arose: not in the libraries that it calls."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from groundup.errors import GroundupError

INSTALLED = ("site-packages", "dist-packages")
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120


def raised_at(error: BaseException, file: str) -> tuple[str, int]:
    """Return the innermost file and line of what `file` belongs to in which `error` arose.

    ("", 0) where there is none, and for an error whose message is meant for people.
    """
    if isinstance(error, GroundupError):
        return "", 0
    home = home_of(file)
    own = [at for at in frames(error.__traceback__) if at[0] == file or is_inside(at[0], home)]
    return own[-1] if own else ("", 0)


def frames(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    """Yield file and line of each call that led to an error, from the outside in; no standard library."""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(("<", _STANDARD_LIBRARY)) or _is_installed(file):
            yield file, trace.tb_lineno
        trace = trace.tb_next


def home_of(file: str, root: Path | None = None) -> str:
    """Return the folder of what `file` belongs to: its distribution in an environment, root, or its own."""
    parts = Path(file).parts
    for name in INSTALLED:
        if name in parts:
            at = parts.index(name)
            return str(Path(*parts[: at + 2]))
    return str(root) if root and Path(file).is_relative_to(root) else str(Path(file).parent)


def is_inside(file: str, home: str) -> bool:
    """Return whether `file` is a part of what has its home in that folder."""
    return Path(file).is_relative_to(home) and (_is_installed(home) or not _is_installed(file))


def _is_installed(file: str) -> bool:
    return any(name in Path(file).parts for name in INSTALLED)
