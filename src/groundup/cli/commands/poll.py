"""``groundup poll [--node MODULE:CLASS]…``: a worker of nodes that this repository names."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundup.cli.extras import needing
from groundup.cli.interrupts import until_told
from groundup.cli.managed import params_of
from groundup.cli.running import Options, held

if TYPE_CHECKING:
    from groundup.nodes.background import PollingWorker

TARGET = "nodes_polling"
PAUSE = 1.0  # seconds; with a limit, so that signals are seen on Windows too


def poll(nodes: Sequence[str], *, namespace: str | None, name: str | None, **options: Any) -> int:
    """Reach ``nodes_polling`` and stay: poll a state manager for work until SIGTERM or Ctrl-C.

    Without ``EXOSPHERE_STATE_MANAGER_URI`` and ``EXOSPHERE_API_KEY`` the embedded manager is used, on
    ``<root>/.groundup/manager.db``: this process serves it, or joins one that does. A configured manager that
    does not answer is waited for. Variables of ``.env`` in root that this process does not have are set.

    :param nodes: node classes as ``module:Class``, in modules of the environment, else of root; default:
        those of the configuration.
    :param namespace: where the nodes are registered.
    :param name: name of the runtime; default: the machine's.
    :param options: further parameters of the state; None is left to the configuration.
    :raises UserError: no node is named, or one cannot be found.
    :raises GroundupError: the manager refuses, or cannot be started.
    """
    with needing("poll", "nodes"):
        from groundup.nodes.background import PollingWorker
        from groundup.nodes.logs import log_to_stderr
    log_to_stderr()
    tables = {
        "state_manager_ready": {"wait": None},
        "nodes_registered": _given({"nodes": list(nodes) or None, "namespace": namespace, "name": name}),
        TARGET: _given(options),
    }
    try:
        with held([TARGET], Options(params=params_of(tables, _option), captures=False)) as report:
            _stay(report.value(TARGET), PollingWorker)
    except KeyboardInterrupt:  # before it was reached: there is nothing to end
        return 0
    return 0


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def _option(path: tuple[str | int, ...]) -> str:
    return f"--{path[1]}".replace("_", "-") if len(path) > 1 else "poll"


def _stay(value: object, workers: type[PollingWorker]) -> None:
    """Return at a signal, or when the worker ended by itself; what replaces the state may give none."""
    worker = value if isinstance(value, workers) else None
    with until_told():
        while worker is None or not worker.wait(PAUSE):
            if worker is None:
                time.sleep(PAUSE)
