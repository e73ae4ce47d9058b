"""Time and identifiers of the state manager."""

from __future__ import annotations

import secrets
import time
from datetime import datetime


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def new_state_id() -> str:
    """24 lowercase hexadecimal digits that start with the time, so that they stay close in an index."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def iso(milliseconds: int) -> str:
    """Local time without a zone, as the protocol writes it."""
    return datetime.fromtimestamp(milliseconds / 1000).isoformat(timespec="microseconds")
