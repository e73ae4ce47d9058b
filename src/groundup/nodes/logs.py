"""Logging of a worker that is a process of its own and says nothing else about it."""

from __future__ import annotations

import logging

from groundup.nodes.variables import variables

LEVEL_VARIABLE = "EXOSPHERE_LOG_LEVEL"
DISABLE_VARIABLE = "EXOSPHERE_DISABLE_DEFAULT_LOGGING"

_FORMAT = "%(asctime)s | %(levelname)s | %(name)s | %(message)s"


def log_to_stderr() -> None:
    """Log to stderr, where nobody has configured logging and no variable forbids it."""
    given = variables()
    if logging.getLogger().handlers or given.get(DISABLE_VARIABLE):
        return
    level = logging.getLevelNamesMapping().get(given.get(LEVEL_VARIABLE, "INFO").upper(), logging.INFO)
    logging.basicConfig(level=level, format=_FORMAT, datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # an embedded manager is a part of its worker
