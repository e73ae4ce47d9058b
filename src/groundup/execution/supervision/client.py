"""The caller's side: the keeper of this process, started at the first run and used by all that follow."""

from __future__ import annotations

import atexit
import contextlib
import marshal
import os
import resource
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundup.execution.containment import Stage
from groundup.execution.supervision.beside import start_beside

_LENGTH = struct.Struct("!Q")
_LIMITS = [value for name, value in vars(resource).items() if name.startswith("RLIMIT_")]


@dataclass
class Keeper:
    """A running keeper.

    :param control: where it takes requests; shutting it down ends the keeper, not the runs that it started.
    :param traits: what it had of its caller when it started, and passes on to all that it runs.
    :param held: a descriptor that stays open as long as this process lives.
    """

    control: socket.socket
    pid: int
    traits: object
    held: int | None

    def end(self) -> None:
        """Let the keeper end, and wait for it."""
        with contextlib.suppress(OSError):  # it has ended
            self.control.shutdown(socket.SHUT_RDWR)
        self.abandon()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def abandon(self) -> None:
        """Close what belongs to the keeper in this process."""
        self.control.close()
        if self.held is not None:
            os.close(self.held)


@dataclass
class _Current:
    keeper: Keeper | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self) -> None:
        """End the keeper; the next run starts another one."""
        keeper, self.keeper = self.keeper, None
        if keeper is not None:
            keeper.end()

    def forget(self) -> None:
        """In a forked child: what the parent's keeper runs ends with the parent, not with us."""
        keeper, self.keeper, self.lock = self.keeper, None, threading.Lock()
        if keeper is not None:
            keeper.abandon()


_current = _Current()
os.register_at_fork(after_in_child=_current.forget)
atexit.register(_current.end)


def request(
    program: str,
    argv: Sequence[str],
    env: Mapping[str, str],
    streams: Sequence[int],
    stage: Stage | None = None,
) -> socket.socket:
    """Have a command run; return its channel (see ``keeper.py``), whose end of file is the end of the run.

    :param program: path of the program; it need not be the first of `argv`.
    :param env: its variables, of which PWD is its working folder.
    :param streams: descriptors for its stdin, stdout and stderr; they stay open here.
    :param stage: what the supervisor does before it.
    :raises GroundupError: there is no keeper and none can be started.
    """
    here, there = socket.socketpair()
    module = os.fsencode(stage.module) if stage else b"-"
    with there:
        _hand_over(module, [there.fileno(), *streams])
    words, variables = [os.fsencode(word) for word in argv], map(_encoded, env.items())
    parts = marshal.dumps(
        (os.fsencode(program), words, dict(variables), stage and (module, stage.specification))
    )
    with contextlib.suppress(BrokenPipeError):  # the channel's end of file says it better
        here.sendall(_LENGTH.pack(len(parts)) + parts)
    return here


def _encoded(variable: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = variable
    return os.fsencode(name), os.fsencode(value)


def _hand_over(text: bytes, descriptors: list[int]) -> None:
    with _current.lock:
        try:
            socket.send_fds(_keeper().control, [text], descriptors)
        except (BrokenPipeError, ConnectionError):  # somebody killed it
            _current.end()
            socket.send_fds(_keeper().control, [text], descriptors)


def _keeper() -> Keeper:
    """Return a keeper that has the traits of this process as they are now; needs the lock."""
    traits = _traits()
    if _current.keeper is not None and _current.keeper.traits != traits:
        _current.end()
    if _current.keeper is None:
        _current.keeper = _start(traits)
    return _current.keeper


def _traits() -> object:
    """Return what commands inherit of a process and no request says: rights, limits, umask, priority."""
    with open("/proc/thread-self/status", "rb") as file:  # noqa: PTH123 - read at every run
        status = [line for line in file if line.startswith((b"Umask", b"Uid", b"Gid", b"Groups", b"Cap"))]
    return status, [resource.getrlimit(limit) for limit in _LIMITS], os.getpriority(os.PRIO_PROCESS, 0)


def _start(traits: object) -> Keeper:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        pid, held = start_beside("keeper", Path(__file__).parent, there)
    return Keeper(here, pid, traits, held)
