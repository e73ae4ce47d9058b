"""How many node states a manager and a worker carry, how soon, and how that compares."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.report import Report
from tests.benchmarks.settings import Settings


def benchmark(settings: Settings, folder: Path) -> Report:
    """Measure nodes; everything is made in `folder`.

    :raises BenchmarkError: when something to be measured does not work.
    """
    from tests.benchmarks.nodes.suite import measured  # no process that is measured needs it

    return measured(settings, folder)
