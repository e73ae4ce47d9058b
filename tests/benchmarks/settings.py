"""What the caller of a benchmark decides."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """`rounds` of each comparison, and the interpreter to measure on; None leaves the choice open.

    `states` is the size of the largest graph.
    """

    rounds: int
    python: Path | None = None
    states: int = 10_000

    def say(self, text: str) -> None:
        """Tell on stderr what is being done."""
        print(f"bench: {text}", file=sys.stderr, flush=True)
