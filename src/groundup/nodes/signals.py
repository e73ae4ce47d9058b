"""Raised by ``execute`` to say something else than a result or an error."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from groundup.nodes.errors import RuntimeConfigurationError


class PruneSignal(Exception):  # noqa: N818 - a signal, not an error
    """Ends this branch of the run; ``data`` is kept with the node state."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        self.data = {} if data is None else data
        super().__init__(f"Prune signal received with data: {self.data}")


class ReQueueAfterSignal(Exception):  # noqa: N818
    """Runs this node state again after ``delay``; no attempt is counted.

    :raises RuntimeConfigurationError: for a delay that is not positive.
    """

    def __init__(self, delay: timedelta) -> None:
        if delay.total_seconds() <= 0:
            raise RuntimeConfigurationError("Delay must be greater than 0", hint="pass a positive timedelta")
        self.delay = delay
        super().__init__(f"ReQueueAfter signal received with delay {delay}")

    @property
    def milliseconds(self) -> int:
        """The delay as it travels, at least 1."""
        return math.ceil(self.delay.total_seconds() * 1000)
