"""Greets with words."""

from typing import Any


def greet(name: str, ranking: list[dict[str, Any]]) -> str:
    """Return a sentence with the words of a ranking."""
    words = ", ".join(row["word"] for row in ranking)
    return f"Hello {name}, it is about {words}."
