"""Amounts of money, in cents."""

import humanize


def written(cents: int) -> str:
    """Return an amount as people write it: 1,234.50."""
    return f"{humanize.intcomma(cents // 100)}.{cents % 100:02}"
