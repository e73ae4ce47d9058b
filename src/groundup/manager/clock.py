"""Time and identifiers of the state manager."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


_of_this_process = secrets.token_hex(5)
_numbers = count(secrets.randbits(24))


def new_state_id() -> str:
    """24 lowercase hexadecimal digits: the time, what tells processes apart, and a number that goes up.

    So they stay close in an index. Source: ObjectId in the specification of BSON.
    """
    return f"{int(time.time()):08x}{_of_this_process}{next(_numbers) & 0xFFFFFF:06x}"


def _tell_apart() -> None:
    """After a fork: the child is another process."""
    global _of_this_process  # noqa: PLW0603
    _of_this_process = secrets.token_hex(5)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_tell_apart)


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
