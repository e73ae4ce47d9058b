"""Processes that run while a test goes on: started, watched line by line, signalled, waited for."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 60.0  # seconds


class Background:
    """A process in a process group of its own, killed with all of it when the `with` block is left."""

    def __init__(self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self.process = subprocess.Popen(
            list(arguments),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self.pid = self.process.pid
        self._texts = {"stdout": "", "stderr": ""}
        self._readers = [threading.Thread(target=self._read, args=(name,)) for name in self._texts]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self.wait()

    @property
    def stdout(self) -> str:
        """What arrived on stdout so far."""
        return self._texts["stdout"]

    @property
    def stderr(self) -> str:
        """What arrived on stderr so far."""
        return self._texts["stderr"]

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait until the process has ended and its output is complete; return its exit code.

        Descendants that keep the output open are waited for as well. Raises TimeoutError.
        """
        deadline = time.monotonic() + timeout
        code = self.process.wait(timeout)
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))
            if reader.is_alive():
                raise TimeoutError(f"process {self.pid} ended, but something keeps its output open")
        return code

    def ended(self) -> bool:
        """Return whether the process itself has ended."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """Kill the whole process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        self.process.send_signal(number)

    def send_to_group(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group, as a terminal does on Ctrl-C."""
        os.killpg(self.pid, number)

    def wait_for_stderr(self, text: str) -> None:
        """Wait until `text` stands in stderr."""
        until(lambda: text in self.stderr, f"{text!r} in stderr; so far: {self.stderr!r}")

    def _read(self, name: str) -> None:
        stream = getattr(self.process, name)
        with stream:
            for line in stream:
                self._texts[name] += line


def start_kernel(
    repo: Path, *args: str, env: Mapping[str, str], python: str | Path = sys.executable
) -> Background:
    """Start `<python> <repo>/proto_kernel.py args…` from inside `repo`, without waiting for it."""
    return Background([str(python), str(repo / "proto_kernel.py"), *args], env=env, cwd=repo)


def until(condition: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
    """Wait until `condition()` is true; raise TimeoutError that names `what` when it does not become so."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {what}")
        time.sleep(0.005)


def alive(pid: int) -> bool:
    """Return whether a process with this id runs; one that ended and waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
