"""A process with everything that it starts; nothing of it is left when it has ended or was killed."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any, NamedTuple, Protocol, Self

from groundup.errors import GroundupError
from groundup.execution.containment import Containment, Stage
from groundup.execution.streams import READ, Streams

KILLED = 128 + signal.SIGKILL
_PATIENCE = 2.0  # seconds that a supervisor has to kill a tree
_F_SETPIPE_SZ = 1031


class Tree(Protocol):
    """What a run needs of a running tree; the descriptors belong to the tree."""

    stdout: int
    stderr: int
    interval: float | None  # seconds after which `ended` has to be asked again, where nothing tells

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def attach(self, streams: Streams) -> None:
        """Let `streams` watch for the end."""

    def ended(self) -> bool:
        """Return whether the process has ended; a supervised tree then has as a whole."""

    def kill(self) -> None:
        """Kill what runs and wait for its end."""

    @property
    def exit_code(self) -> int:
        """Exit code of the process, 128 + N when signal N ended it; it must have ended."""


class Command(NamedTuple):
    """What is to be started; `name` is for messages, the variable PWD is the working folder."""

    name: str
    program: str
    argv: list[str]
    env: Mapping[str, str]
    stage: Stage | None = None


def start_tree(
    argv: Sequence[str | os.PathLike[str]], env: Mapping[str, str], stdin: int, contained_by: Containment
) -> Tree:
    """Start a process, whose working folder is the variable PWD.

    :param stdin: a descriptor; it stays open here.
    :raises GroundupError: it cannot be started.
    """
    name, *arguments = [os.fspath(word) for word in argv]
    program = _find(name, env)
    command = Command(name, program, [name, *arguments], env, contained_by.stage)
    if contained_by.prefix:
        outer = contained_by.prefix[0]
        command = Command(name, outer, [*contained_by.prefix, program, *arguments], env)
    return SupervisedTree(command, stdin) if contained_by.supervised else GroupTree(command, stdin)


def _find(name: str, env: Mapping[str, str]) -> str:
    """Return the path of a program, found on PATH; raise GroundupError when there is none."""
    import shutil

    path = os.path.join(env["PWD"], name) if os.sep in name else name  # noqa: PTH118
    found = shutil.which(path, path=env.get("PATH", os.defpath))
    if found is None:
        raise cannot_start(name, os.strerror(errno.ENOENT))
    return found


class SupervisedTree:
    """A tree that a supervisor holds: it ends when it is left, when we say so, and when we are dead."""

    interval: float | None = None

    def __init__(self, command: Command, stdin: int) -> None:
        from groundup.execution.supervision import client

        self._name, program, argv, env, stage = command
        self._lines = b""
        self._code: int | None = None
        self._state = _State()
        self.stdout, stdout = _pipe()
        self.stderr, stderr = _pipe()
        try:
            self._channel = client.request(program, argv, env, (stdin, stdout, stderr), stage)
        except BaseException:
            _close(self.stdout, self.stderr)
            raise
        finally:
            _close(stdout, stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.kill()
        finally:
            self._channel.close()
            _close(self.stdout, self.stderr)

    def attach(self, streams: Streams) -> None:
        """Let `streams` watch for the end."""
        streams.watch(self._channel, self._hear)

    def ended(self) -> bool:
        """Return whether all processes of the tree have ended."""
        return self._code is not None

    def kill(self) -> None:
        """Have all processes killed; returns when they are gone."""
        if self.ended():
            return
        self._channel.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + _PATIENCE
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        while not self.ended() and (left := deadline - time.monotonic()) > 0:
            if poll.poll(left * 1000):
                self._hear()
        self._code = KILLED if self._code is None else self._code

    @property
    def exit_code(self) -> int:
        """Exit code of the process, 128 + N when signal N ended it; it must have ended."""
        return KILLED if self._code is None else self._code

    def _hear(self) -> None:
        """Take what the supervisor says; raise GroundupError when the command did not start."""
        content = self._channel.recv(READ)
        self._lines += content
        *lines, self._lines = self._lines.split(b"\n")
        for line in lines:
            self._take(*line.decode("utf-8", "replace").split(" ", 1))
        if not content and not self.ended():
            self._code = KILLED
            raise GroundupError(
                f"the supervisor of {self._name} was killed",
                hint="what it ran may go on; on a machine that is out of memory this happens",
            )

    def _take(self, word: str, value: str) -> None:
        if word == "started":
            self._state.add(int(value))
        elif word == "exit":
            self._code = int(value)
        else:
            self._code = KILLED
            raise cannot_start(self._name, value)


class GroupTree:
    """A tree that is held by its process group alone: what leaves the group is not found again."""

    interval: float | None = 0.02  # seconds

    def __init__(self, command: Command, stdin: int) -> None:
        self._killed = False
        self.stdout, stdout = _pipe()
        self.stderr, stderr = _pipe()
        try:
            self._process = subprocess.Popen(
                command.argv,
                executable=command.program,
                env=command.env,
                cwd=command.env["PWD"],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            _close(self.stdout, self.stderr)
            raise cannot_start(command.name, getattr(error, "strerror", None) or str(error)) from error
        finally:
            _close(stdout, stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        _close(self.stdout, self.stderr)

    def attach(self, streams: Streams) -> None:
        """Nothing tells the end: it is asked for."""

    def ended(self) -> bool:
        """Return whether the process has ended; its group is killed then."""
        if not self._killed and self._process.poll() is not None:
            self.kill()
        return self._killed

    def kill(self) -> None:
        """Kill the group, and wait for the process."""
        if self._killed:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._killed = True

    @property
    def exit_code(self) -> int:
        """Exit code of the process, 128 + N when signal N ended it; it must have ended."""
        code = self._process.wait()
        return 128 - code if code < 0 else code


class _State:
    """The state of the DAG that starts a process, if one does: it ends the process when it is interrupted."""

    def __init__(self) -> None:
        module: Any = sys.modules.get("groundup.dag.output.current")  # not loaded: no state is running
        running = module.current.get() if module else None
        self._children = running.children if running else None
        self._expected = self._children.expect() if self._children else 0

    def add(self, process: int) -> None:
        """Add a process that was started since."""
        if self._children is not None:
            self._children.add(process, self._expected)


class CannotStart(GroundupError):  # noqa: N818 - it says what is the matter
    """A program cannot be started.

    :ivar words: why, as the system says it.
    """

    def __init__(self, program: str, words: str) -> None:
        super().__init__(
            f"cannot start {program}: {words}",
            hint="check that it is there, its working folder, arguments and variables",
        )
        self.program, self.words = program, words

    def __reduce__(self) -> tuple[object, ...]:
        return CannotStart, (self.program, self.words)


def cannot_start(program: str, words: str) -> CannotStart:
    """Return the error for a program that cannot be started."""
    return CannotStart(program, words)


def split_stdin(stdin: str | bytes | IO[bytes] | None) -> tuple[int | None, bytes | None]:
    """Return the descriptor that a process gets as stdin, or else what is to be written into a pipe."""
    if stdin is None:
        return None, None
    if isinstance(stdin, str):
        return None, stdin.encode("utf-8", "surrogateescape")
    if isinstance(stdin, bytes):
        return None, stdin
    try:
        return stdin.fileno(), None
    except OSError:  # a file in memory
        return None, stdin.read()


def _pipe() -> tuple[int, int]:
    import fcntl

    read, write = os.pipe()
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # this user's pipes hold as much as they may
            fcntl.fcntl(read, _F_SETPIPE_SZ, READ)
    return read, write


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
