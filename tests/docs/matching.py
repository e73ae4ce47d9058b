"""Compares what a page shows with what came out: `…` stands for any text, alone in a line for any lines.

How many blanks pad a column depends on the paths of a machine: inside a line several count as one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

WILDCARD = "…"


def matches(expected: Sequence[str], actual: Sequence[str]) -> bool:
    """Return whether `actual` lines are what the `expected` ones describe."""
    pattern = "".join(_pattern(_narrowed(line)) for line in expected)
    return re.fullmatch(pattern, "".join(f"{_narrowed(line)}\n" for line in actual)) is not None


def _narrowed(line: str) -> str:
    return re.sub(r"(?<=\S) {2,}", " ", line.rstrip())


def _pattern(line: str) -> str:
    if line.strip() == WILDCARD:
        return r"(?:[^\n]*\n)*?"
    return r"[^\n]*?".join(re.escape(part) for part in line.split(WILDCARD)) + r"\n"
