"""Tables of a page."""

from __future__ import annotations

import re


def table(text: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose first column is headed `first`, without the header.

    :raises LookupError: there is none.
    """
    for block in re.findall(r"(?m)(?:^\|.*\n)+", text):
        rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()]
        if rows[0][0] == first:
            return rows[2:]
    raise LookupError(first)


def codes(text: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def names(rows: list[list[str]]) -> list[str]:
    """Return the first word of each code span in the first column."""
    return [code.split()[0] for row in rows for code in codes(row[0])]
