"""The kernel is a program kept as text; checkers see the program."""

from __future__ import annotations

OPEN = "PROGRAM = r'''\n"
CLOSE = "\n'''\n"


def unfold(text: str) -> str:
    """The kernel as one program, each line where it stands in the file.

    :raises ValueError: when the text is not folded exactly once.
    """
    if text.count(OPEN) != 1:
        raise ValueError(f"{OPEN!r} must stand in the kernel exactly once")
    opened = text.replace(OPEN, 'PROGRAM = ""\n')
    end = opened.rindex(CLOSE)
    return opened[:end] + "\n\n" + opened[end + len(CLOSE) :]
