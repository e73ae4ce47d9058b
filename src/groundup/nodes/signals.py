"""Raised by ``execute`` to say something else than a result or an error."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from groundup.nodes.errors import RuntimeConfigurationError


class PruneSignal(Exception):  # noqa: N818 - a signal, not an error
    """Ends this branch of the run; ``data`` is kept with the node state."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        self.data = {} if data is None else data
        super().__init__(f"Prune signal received with data: {self.data}")


class ReQueueAfterSignal(Exception):  # noqa: N818
    """Runs this node state again after ``delay``, or ``at`` a time; no attempt is counted.

    A time that has passed means at once. It is turned into a delay by this machine's clock.

    :param delay: how long to wait.
    :param at: when, with a time zone.
    :raises RuntimeConfigurationError: for a delay that is not positive, a time without a zone, none or both.
    """

    def __init__(self, delay: timedelta | None = None, *, at: datetime | None = None) -> None:
        if (delay is None) == (at is None):
            raise RuntimeConfigurationError(
                "ReQueueAfterSignal needs a delay or a time", hint="pass a timedelta, or at=datetime(…)"
            )
        if delay is not None and delay.total_seconds() <= 0:
            raise RuntimeConfigurationError("Delay must be greater than 0", hint="pass a positive timedelta")
        if at is not None and at.utcoffset() is None:
            raise RuntimeConfigurationError(
                f"the time {at.isoformat()} has no time zone", hint="for example datetime.now(UTC) + …"
            )
        self.delay = delay
        self.at = at
        when = f"with delay {delay}" if delay is not None else f"at {at}"
        super().__init__(f"ReQueueAfter signal received {when}")

    @property
    def milliseconds(self) -> int:
        """How long to wait from now on, at least 1."""
        delay = self.delay if self.at is None else self.at - datetime.now(UTC)
        return max(1, math.ceil((delay or timedelta()).total_seconds() * 1000))
