"""``groundup serve``: a state manager that others reach."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from groundup.cli.extras import needing
from groundup.config import load_config

FORMAT = "%(asctime)s | %(levelname)s | %(name)s | %(message)s"


def serve(  # noqa: PLR0913 - the options of a manager
    *,
    host: str,
    port: int,
    database: str | None,
    keep_runs: float | None,
    metrics_port: int | None,
    metrics_host: str,
) -> int:
    """Serve a state manager until SIGTERM or Ctrl-C.

    :param database: its address; default: ``<root>/.groundup/manager.db``.
    :param keep_runs: hours after which finished runs are removed; None keeps them.
    :param metrics_port: where metrics for Prometheus are served; None: nowhere.
    :param metrics_host: the address for them.
    :raises UserError: keys are missing or too weak, or the address of the database is none.
    :raises GroundupError: the port is taken, or the database cannot be used.
    """
    with needing("serve", "manager"):
        from groundup.manager.operations.context import Settings
        from groundup.manager.serving import Serving, from_environment
        from groundup.manager.serving import serve as serve_manager
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=FORMAT)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    settings = Settings(keep_runs=None if keep_runs is None else int(keep_runs * 3_600_000))
    address = database or load_config().data / "manager.db"
    given: dict[str, Any] = from_environment(os.environ)
    given |= {"metrics_port": metrics_port, "metrics_host": metrics_host}
    serve_manager(Serving(address, host, port, settings=settings, **given))
    return 0
