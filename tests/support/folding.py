"""The kernel is a program kept as text; checkers see the program."""

from __future__ import annotations

OPEN = "PROGRAM = r'''\n"
CLOSE = "\n'''\n"
ANY_NAME = "def __getattr__("  # for checkers that do not see the program: its names may be anything


def unfold(text: str) -> str:
    """The kernel as one program, each line where it stands in the file.

    :raises ValueError: when the text is not folded exactly once.
    """
    if text.count(OPEN) != 1:
        raise ValueError(f"{OPEN!r} must stand in the kernel exactly once")
    opened = text.replace(OPEN, 'PROGRAM = ""\n').replace(ANY_NAME, f"# {ANY_NAME}")
    end = opened.rindex(CLOSE)
    return opened[:end] + "\n\n" + opened[end + len(CLOSE) :]
