"""The folder that one test session, all its workers included, keeps fetched files in."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

VARIABLE = "GROUNDUP_TEST_CACHE"


def open_session() -> Path | None:
    """Name the session's folder to all that start from here; return it when it is a new one."""
    if VARIABLE in os.environ:
        return None
    folder = Path(tempfile.mkdtemp(prefix="groundup-tests-"))
    os.environ[VARIABLE] = str(folder)
    return folder


def session_folder() -> Path:
    """Return the session's folder; `GROUNDUP_TEST_CACHE` points it at one that outlives the session."""
    folder = Path(os.environ[VARIABLE])
    folder.mkdir(parents=True, exist_ok=True)
    return folder
