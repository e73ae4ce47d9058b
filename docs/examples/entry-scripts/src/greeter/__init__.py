"""Greets those who are named on the command line."""

import sys

import tabulate


def main():
    """Greet; the exit code is 1 when nobody is named."""
    names = sys.argv[1:]
    print(
        tabulate.tabulate([["hello", name] for name in names], tablefmt="plain") if names else "nobody there"
    )
    return 0 if names else 1
