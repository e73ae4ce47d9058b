"""Time and identifiers of the state manager."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_state_id() -> str:
    """24 lowercase hexadecimal digits that start with the time, so that they stay close in an index."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


@lru_cache(maxsize=1024)
def iso(milliseconds: int) -> str:
    """Local time without a zone, as the protocol writes it."""
    return datetime.fromtimestamp(milliseconds / 1000).isoformat(timespec="microseconds")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def moment(milliseconds: int) -> datetime:
    """The moment in UTC; what lies beyond the year 9999 is its end."""
    return _EPOCH + timedelta(milliseconds=min(milliseconds, _LAST))


def milliseconds(when: datetime) -> int:
    """Milliseconds since the epoch; a time without a zone is UTC."""
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)
