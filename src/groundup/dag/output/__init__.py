"""What running states write and start, kept apart: their output, and their child processes.

::

    with watching(), Capture(folder) as capture:
        with Running(Children(), capture.of("build")) as running:
            build()
"""

from __future__ import annotations

from groundup.dag.output.capture import Capture
from groundup.dag.output.children import Children, StateEndedError, stop_all
from groundup.dag.output.current import Outside, Running, current
from groundup.dag.output.watching import watching
from groundup.dag.output.written import Output

__all__ = [
    "Capture",
    "Children",
    "Output",
    "Outside",
    "Running",
    "StateEndedError",
    "current",
    "stop_all",
    "watching",
]
