"""A process with everything that it starts: its streams are drained, its end is the end of all of them.

The tree is a session and a process group of its own.
"""

from __future__ import annotations

import array
import codecs
import contextlib
import fcntl
import os
import selectors
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from groundup.errors import GroundupError
from groundup.execution.capture import Captured

Callback = Callable[[str], None]
Stdin = str | bytes | IO[bytes]

CONTAINMENT = "process-group"
_READ = 2**16  # bytes that a pipe holds by default
_POLL = 0.02  # seconds; how often the end is looked for where the kernel does not tell


@dataclass(frozen=True)
class Ended:
    """How a process ended; `duration` is in seconds."""

    exit_code: int
    stdout: Captured
    stderr: Captured
    duration: float
    timed_out: bool


def run_process(  # noqa: PLR0913 - the options of a run
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: Stdin | None = None,
    timeout: float | None = None,
    on_stdout: Callback | None = None,
    on_stderr: Callback | None = None,
) -> Ended:
    """Run a process to its end, or to the end of `timeout` seconds, and kill what it leaves behind.

    :param env: all variables of the process.
    :param stdin: text, bytes, or an open file; by default there is nothing to read.
    :param on_stdout: called in this thread with text as it arrives, never split inside a character.
    :param on_stderr: as `on_stdout`.
    :raises GroundupError: when the process cannot be started.

    Whatever the callbacks raise, and KeyboardInterrupt, ends the whole tree first.
    """
    started = time.monotonic()
    deadline = None if timeout is None else started + timeout
    source, content = _split_stdin(stdin)
    with ProcessTree(argv, env, cwd, source) as tree, Streams(tree) as streams:
        streams.write(content)
        out = streams.read(tree.process.stdout, on_stdout)
        err = streams.read(tree.process.stderr, on_stderr)
        timed_out = not streams.pump_until_exit(deadline)
        tree.kill()
        streams.drain()
    return Ended(tree.exit_code, out, err, time.monotonic() - started, timed_out)


class ProcessTree:
    """A process in a session of its own; on leaving the block nothing of its group runs any more."""

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        env: Mapping[str, str],
        cwd: Path | None,
        stdin: int | IO[bytes],
    ) -> None:
        self.killed = False
        try:
            self.process = subprocess.Popen(
                argv,
                bufsize=0,
                env=env,
                cwd=cwd,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise GroundupError(
                f"cannot start {os.fspath(argv[0])}: {error}",
                hint="check that it is there, its working folder, arguments and variables",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    @property
    def exit_code(self) -> int:
        """Exit code of the process, 128 + N when signal N ended it; it must have ended."""
        code = self.process.wait()
        return 128 - code if code < 0 else code

    def kill(self) -> None:
        """Kill the process and what it started in its group, and wait for the process."""
        if self.killed:
            return
        # Before the process is waited for: until then nobody else can get its id.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.killed = True


class Streams:
    """The pipes of a process: read and written in turn, so that none can block another."""

    def __init__(self, tree: ProcessTree) -> None:
        self.process = tree.process
        self.selector = selectors.DefaultSelector()
        self.outputs: dict[int, _Sink] = {}
        self.exited = False
        self.watch = _watch(self.process.pid)
        if self.watch is not None:
            self.selector.register(self.watch, selectors.EVENT_READ, self._note_exit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.selector.close()
        if self.watch is not None:
            os.close(self.watch)

    def read(self, pipe: IO[bytes] | None, callback: Callback | None) -> Captured:
        """Capture what arrives in `pipe` from now on, and hand it to `callback` as text."""
        if pipe is None:
            raise ValueError("the process has no such pipe")
        descriptor, sink = pipe.fileno(), _Sink(callback)
        self.outputs[descriptor] = sink
        self.selector.register(descriptor, selectors.EVENT_READ, lambda: self._receive(descriptor))
        return sink.captured

    def write(self, content: bytes) -> None:
        """Send `content` to the process's stdin as it is read, then close it."""
        pipe = self.process.stdin
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            source = _Source(pipe, content)
            self.selector.register(pipe, selectors.EVENT_WRITE, lambda: self._send(source))

    def pump_until_exit(self, deadline: float | None) -> bool:
        """Move data until the process ends; return whether it did so before `deadline` (monotonic)."""
        while not self.exited:
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                return False
            self._pump(remaining)
        return True

    def drain(self) -> None:
        """Read what the pipes hold now, and no more: something outside the group may write for ever."""
        for descriptor, sink in self.outputs.items():
            left = _available(descriptor)
            while left > 0:
                left -= sink.take(os.read(descriptor, min(left, _READ)))
            sink.finish()

    def _pump(self, remaining: float | None) -> None:
        if self.watch is None:
            self.exited = self.process.poll() is not None
            remaining = _POLL if remaining is None else min(_POLL, remaining)
        for key, _ in self.selector.select(remaining):
            key.data()

    def _note_exit(self) -> None:
        self.exited = True

    def _receive(self, descriptor: int) -> None:
        if not self.outputs[descriptor].take(os.read(descriptor, _READ)):
            self.selector.unregister(descriptor)

    def _send(self, source: _Source) -> None:
        if not source.send():
            self.selector.unregister(source.pipe)
            source.pipe.close()


class _Source:
    """What stdin still has to get."""

    def __init__(self, pipe: IO[bytes], content: bytes) -> None:
        self.pipe = pipe
        self.left = memoryview(content)

    def send(self) -> bool:
        """Write what the pipe takes; return whether there is more to write."""
        try:
            self.left = self.left[os.write(self.pipe.fileno(), self.left[:_READ]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:  # it does not want to read more
            return False
        return bool(self.left)


class _Sink:
    """Where the bytes of one stream go."""

    def __init__(self, callback: Callback | None) -> None:
        self.captured = Captured()
        self.callback = callback
        self.decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def take(self, data: bytes) -> int:
        """Keep `data`; return its length."""
        self.captured.write(data)
        self._tell(data)
        return len(data)

    def finish(self) -> None:
        """Hand over what is left of a character that was cut off."""
        self._tell(b"", final=True)

    def _tell(self, data: bytes, final: bool = False) -> None:
        if self.callback is not None:
            text = self.decoder.decode(data, final=final)
            if text:
                self.callback(text)


def _split_stdin(stdin: Stdin | None) -> tuple[int | IO[bytes], bytes]:
    """Return what the process gets as stdin, and what is to be written into it when that is a pipe."""
    if stdin is None:
        return subprocess.DEVNULL, b""
    if isinstance(stdin, str):
        return subprocess.PIPE, stdin.encode("utf-8", "surrogateescape")
    if isinstance(stdin, bytes):
        return subprocess.PIPE, stdin
    try:
        stdin.fileno()
    except OSError:  # a file in memory
        return subprocess.PIPE, stdin.read()
    return stdin, b""


def _available(descriptor: int) -> int:
    """Return how many bytes a pipe holds at this moment."""
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]


def _watch(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends, where the system has such."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
