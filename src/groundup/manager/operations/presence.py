"""Since when workers could renew their claims without a gap."""

from __future__ import annotations

_LONGEST_GAP = 3_000  # milliseconds between two looks; the manager looks every second


class Presence:
    """Whether a manager was there; times in milliseconds.

    A manager that was away, by a restart, a full disk, or a sleep of its machine, could renew nothing. The
    claims from before are spared for a while then, so that workers which are alive can renew them.
    """

    def __init__(self) -> None:
        self._since = 0
        self._last_look: int | None = None

    def look(self, now: int) -> None:
        """The manager works at this moment."""
        if self._last_look is None or not 0 <= now - self._last_look <= _LONGEST_GAP:
            self._since = now
        self._last_look = now

    def interrupted(self, now: int) -> None:
        """The manager could not do at this moment what was asked."""
        self._since = now

    def spared(self, now: int, grace: int) -> int:
        """Claims that were made before this moment are spared now; 0 when there are none."""
        return self._since if self._since <= now < self._since + grace else 0
