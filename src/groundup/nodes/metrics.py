"""What a worker counts; by default nobody looks."""

from __future__ import annotations


class Metrics:
    """Told what happens in a worker; this one forgets it."""

    def claimed(self, count: int) -> None:
        """So many node states were claimed by a poll."""

    def holding(self, count: int) -> None:
        """So many node states are claimed, and not yet reported."""

    def ended(self, node: str, outcome: str, seconds: float) -> None:
        """An execution ended."""

    def lost(self, count: int) -> None:
        """So many claims were lost."""

    def retried(self) -> None:
        """A call to the manager is made again."""
