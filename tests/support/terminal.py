"""A real terminal: a process at the other end of a pty, typed to and read from."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 30.0  # seconds
SIZE = struct.pack("HHHH", 24, 200, 0, 0)  # rows, columns: wide enough that no line is folded
CONTROL = re.compile(r"\x1b\[[0-9;?>=<]*[a-zA-Z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>()][B0]?|\r")


class Terminal:
    """A program on a terminal of its own, from entering the `with` block to leaving it."""

    def __init__(self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a read can end inside a character
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            _become(arguments, env, cwd)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, SIZE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self._master >= 0:
            os.close(self._master)

    def type(self, text: str) -> None:
        """Type `text` and Enter."""
        self.press(text + "\r")

    def press(self, keys: str) -> None:
        """Press `keys`, without Enter."""
        os.write(self._master, keys.encode())

    def read_until(self, pattern: str) -> re.Match[str]:
        """Read until `pattern` stands in what was shown, colours and cursor moves left out."""
        deadline = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self.shown)) is None:
            if time.monotonic() > deadline or not self._read(0.1):
                raise TimeoutError(f"{pattern!r} was not shown: {self.shown!r}")
        return found

    def wait(self) -> int:
        """Read to the end; return the exit code, negative for a signal."""
        deadline = time.monotonic() + PATIENCE
        while self._read(0.1):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the program goes on: {self.shown!r}")
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def hang_up(self) -> int:
        """Close this end, as a window that is closed does; return the exit code, negative for a signal."""
        os.close(self._master)
        self._master = -1
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    @property
    def shown(self) -> str:
        """Everything shown so far, without colours and cursor moves."""
        return CONTROL.sub("", self.text)

    def _read(self, seconds: float) -> bool:
        """Read what there is within `seconds`; return False at the end of the output."""
        readable, _, _ = select.select([self._master], [], [], seconds)
        if not readable:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        self.text += self._decoder.decode(data)
        return bool(data)


def _become(arguments: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
    try:
        os.chdir(cwd)
        os.execvpe(arguments[0], list(arguments), dict(env))  # noqa: S606
    finally:
        os._exit(127)
