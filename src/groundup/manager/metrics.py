"""What a manager counts; by default nobody looks."""

from __future__ import annotations


class Metrics:
    """Told what happens in a manager; this one forgets it.

    :cvar is_watched: whether anybody looks.
    """

    is_watched = False

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """A request was answered; ``endpoint`` is one of those that are described, or ``other``."""

    def claimed(self, count: int) -> None:
        """So many node states were handed out."""

    def recorded(self, outcome: str) -> None:
        """An outcome was recorded, or was recorded before."""

    def done(self, what: str, count: int) -> None:
        """Housekeeping did so much."""
