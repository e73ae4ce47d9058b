"""Turns words into a note."""

import sys

import tabulate


def note(words):
    """Return one line for a list of words.

    >>> note(["buy", "milk"])
    '- buy milk'
    >>> note([])
    Traceback (most recent call last):
    ValueError: a note needs words
    """
    if not words:
        raise ValueError("a note needs words")
    return tabulate.tabulate([["-", " ".join(words)]], tablefmt="plain").replace("  ", " ")


def main():
    """Print a note; the exit code is 2 without words."""
    try:
        print(note(sys.argv[1:]))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
