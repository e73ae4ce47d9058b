"""Answers that are kept in the user's cache, as JSON."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from groundup.projects.home import cache_folder


def kept_at(kind: str, name: str) -> Path:
    """Return where an answer is kept."""
    return cache_folder() / kind / f"{name}.json"


def recall(path: Path) -> Any:
    """Return the answer that was kept; None where there is none that can be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def keep(path: Path, answer: Any) -> None:
    """Keep an answer, whole or not at all; one that cannot be kept is found out again the next time."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own for each: threads of one process write the same answer.
        handle, temporary = tempfile.mkstemp(prefix=path.name, suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(answer, file)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
