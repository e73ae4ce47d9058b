"""The kernel as it is on Windows, as far as another system can play it."""

from __future__ import annotations

from pathlib import Path

from tests.support.repositories import KERNEL

DECIDES = 'WINDOWS = os.name == "nt"'

# What Windows' own module does, by this system's locks on parts of a file.
MSVCRT = """
import fcntl, os

LK_NBLCK, LK_UNLCK = 2, 0


def locking(fd, mode, count):
    start = os.lseek(fd, 0, os.SEEK_CUR)
    how = fcntl.LOCK_UN if mode == LK_UNLCK else fcntl.LOCK_EX | fcntl.LOCK_NB
    try:
        fcntl.lockf(fd, how, count, start)
    except OSError as error:
        raise PermissionError(13, "Permission denied") from error
"""


def windows_kernel(folder: Path) -> Path:
    """Write a kernel that takes this system for Windows, and an `msvcrt` beside it; return its path."""
    source = KERNEL.read_text(encoding="utf-8")
    if source.count(DECIDES) != 1:
        raise AssertionError(f"the kernel has not exactly one {DECIDES!r}")
    folder.mkdir(parents=True, exist_ok=True)
    kernel = folder / "windows_kernel.py"
    kernel.write_text(source.replace(DECIDES, "WINDOWS = True"), encoding="utf-8")
    (folder / "msvcrt.py").write_text(MSVCRT, encoding="utf-8")
    return kernel
