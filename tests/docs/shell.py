"""A real shell session: bash, one process from the first command of a page to its last."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

MARK = "== end of command"
# The status is put back, so that the next command can ask for $?.
AFTER = f'__status=$?; printf "\\n%s %d %s\\n" "{MARK}" $__status "$PWD"; (exit $__status)'


@dataclass(frozen=True)
class Answer:
    """What a command printed, on stdout and stderr as they came, and its exit code."""

    lines: list[str]
    code: int


class Shell:
    """Runs commands one after the other; folder, variables and `$?` live on from one to the next."""

    def __init__(self, env: Mapping[str, str], cwd: Path) -> None:
        self.cwd = cwd
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def run(self, command: str) -> Answer:
        """Run one command to its end; it reads nothing.

        :raises AssertionError: the shell itself ended.
        """
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"(exit ${{__status:-0}}); {{ {command}\n}} </dev/null\n{AFTER}\n".encode())
        self._process.stdin.flush()
        said = bytearray()
        for raw in self._process.stdout:
            if raw.startswith(MARK.encode()):
                code, folder = raw.decode().removeprefix(MARK).split(maxsplit=1)
                self.cwd = Path(folder.rstrip("\n"))
                return Answer(
                    bytes(said).decode("utf-8", "replace").removesuffix("\n").splitlines(), int(code)
                )
            said += raw
        raise AssertionError(f"the shell ended at: {command}\n{bytes(said).decode('utf-8', 'replace')}")
