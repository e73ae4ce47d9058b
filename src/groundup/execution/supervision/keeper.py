"""The program that runs commands for one other process, the caller, and ends them all with it.

::

    caller ── control ── keeper                       forks before each request of the caller
       └────── channel ── supervisor of one run       adopts and ends all that the command starts
                              └── command

It is started by its path, by the caller's own Python with ``-I -S``: standard library only, nothing of
groundup, and what costs time to import is left out.

A request is one message on the control socket that carries descriptors: channel, stdin, stdout, stderr. Its
text is the path of the stage's module, so that later ones find it imported; without a stage a hyphen. On the
channel follow its length and its parts by marshal: program, argv, variables, and None or a stage: path
and specification of a module. Its ``prepare`` is called first, its ``start`` becomes the command, its
``accompany`` does what has to be done beside. The answers, a line each, are ``error WORDS``, or
``started PID`` and, when nothing of the run is left, ``exit CODE``. Whoever closes the channel ends the run.
"""

from __future__ import annotations

import contextlib
import ctypes
import marshal
import os
import select
import signal
import socket
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any, NoReturn

    Parts = tuple[bytes, list[bytes], dict[bytes, bytes]]  # program, argv, variables
    Stage = tuple[bytes, bytes]

CONTROL, CALLER, NOWHERE = 0, 1, 2  # our descriptors: requests, readable when the caller is dead, /dev/null
_DESCRIPTORS = struct.Struct("4i")
_LONGEST = 2**12  # bytes of the text of a request
_NO_STAGE = b"-"
_LENGTH = struct.Struct("!Q")
_prctl = ctypes.CDLL(None).prctl
_PR_SET_CHILD_SUBREAPER = 36
_POLL = 20  # milliseconds; how often the end is looked for where the kernel does not tell
_KILLED = 128 + signal.SIGKILL
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python


def main() -> None:
    """Serve the caller until it has no more requests, or is dead."""
    _close_what_was_inherited()
    _outlive_the_terminal()
    control = socket.socket(fileno=CONTROL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the supervisors
    while _serve_next(control):
        pass


def _serve_next(control: socket.socket) -> bool:
    """Have the next request taken by a process that is there before it; return False when there is none."""
    taken, take = os.pipe()
    try:
        waits = os.fork() > 0
    except OSError:  # too many processes; perhaps not any more when the request comes
        os.close(taken)
        os.close(take)
        return _serve_late(control)
    if not waits:
        os.close(taken)
        _take_next(control, take)
    os.close(take)
    text = os.read(taken, _LONGEST)
    os.close(taken)
    if text and text != _NO_STAGE:
        with contextlib.suppress(Exception):  # the run that needs it says what is the matter
            _imported(text)
    return bool(text) or not _is_over()


def _take_next(control: socket.socket, take: int) -> NoReturn:
    """Be the supervisor of the next request."""
    request = _next_request(control)
    if request is None:
        os._exit(0)
    text, (channel, *streams) = request
    with contextlib.suppress(OSError):  # the keeper is dead, which is no reason for us
        os.write(take, text)
    os.close(take)
    os.dup2(NOWHERE, CONTROL)
    _supervise(channel, streams)


def _serve_late(control: socket.socket) -> bool:
    """Take the next request and fork then; return False when there is none."""
    request = _next_request(control)
    if request is None:
        return False
    _, descriptors = request
    channel, *streams = descriptors
    _fork_supervisor(channel, streams)
    for descriptor in descriptors:
        os.close(descriptor)
    return True


def _is_over() -> bool:
    """Return whether there will be no more requests."""
    poll = select.poll()
    poll.register(CONTROL, 0)  # tells when the other side is closed
    poll.register(CALLER, select.POLLIN)
    return bool(poll.poll(0))


def _close_what_was_inherited() -> None:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - pathlib is a slow import
        if int(name) > NOWHERE:
            with contextlib.suppress(OSError):  # that of the listing itself
                os.close(int(name))


def _outlive_the_terminal() -> None:
    """Let only the caller end us; unlike ignored signals, handlers are not passed on to commands."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def _next_request(control: socket.socket) -> tuple[bytes, tuple[int, ...]] | None:
    """Return text and descriptors of the next request; None when there will be no more."""
    poll = select.poll()
    poll.register(CONTROL, select.POLLIN)
    poll.register(CALLER, select.POLLIN)
    if any(descriptor == CALLER for descriptor, _ in poll.poll()):
        return None
    text, ancillary, _, _ = control.recvmsg(
        _LONGEST, socket.CMSG_SPACE(_DESCRIPTORS.size), socket.MSG_CMSG_CLOEXEC
    )
    if not text:
        return None
    return text, _DESCRIPTORS.unpack(ancillary[0][2])


def _imported(module: bytes) -> ModuleType:
    """Return the module at a path; there is one by its name."""
    folder, name = os.path.split(os.fsdecode(module))
    if folder not in sys.path:
        sys.path.append(folder)
    return __import__(name.removesuffix(".py"))


def _fork_supervisor(channel: int, streams: list[int]) -> None:
    try:
        if os.fork():
            return
    except OSError as error:
        _answer(channel, f"error {_words(error)}")
        return
    os.dup2(NOWHERE, CONTROL)
    _supervise(channel, streams)


def _supervise(channel: int, streams: list[int]) -> NoReturn:
    """Run one request from its start to the end of all that it started, as a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        _answer(channel, f"exit {_run(channel, streams)}")
    except Exception as error:
        _answer(channel, f"error {_words(error)}")
    finally:
        os._exit(0)


def _run(channel: int, streams: list[int]) -> int:
    (length,) = _LENGTH.unpack(_read(channel, _LENGTH.size))
    *parts, stage = marshal.loads(_read(channel, length))  # noqa: S302 - from our own caller
    os.chdir(parts[2][b"PWD"])
    command = _start_staged(stage, parts, streams, channel) if stage else _start(parts, streams)
    for descriptor in streams:
        os.close(descriptor)
    _answer(channel, f"started {command}")
    _wait(command, channel)
    return _end_all(command)


def _answer(channel: int, line: str) -> None:
    with contextlib.suppress(OSError):  # the caller is gone
        os.write(channel, line.replace("\n", " ").encode() + b"\n")


def _words(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)


def _read(channel: int, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        piece = os.read(channel, size - len(content))
        if not piece:
            raise EOFError("the caller went away")
        content += piece
    return bytes(content)


def _start(parts: Parts, streams: list[int]) -> int:
    """Start the command in a session of its own; return its process id."""
    return os.posix_spawn(
        *parts,
        file_actions=[(os.POSIX_SPAWN_DUP2, descriptor, place) for place, descriptor in enumerate(streams)],
        setsid=True,
        setsigdef=_IGNORED,
    )


def _start_staged(stage: Stage, parts: Parts, streams: list[int], channel: int) -> int:
    """Start the command as `_start`, by its stage; raise OSError with its words when that fails."""
    path, specification = stage
    module: Any = _imported(path)
    prepared = module.prepare(specification)
    failure, fail = os.pipe()
    command = os.fork()
    if command == 0:
        try:
            _begin(streams)
            module.start(prepared, *parts)
        except BaseException as error:
            os.write(fail, _words(error).encode())
        finally:
            os._exit(1)
    os.close(fail)
    words = os.read(failure, 4096).decode()
    os.close(failure)
    if words:
        os.waitpid(command, 0)
        raise OSError(0, words)
    module.accompany(prepared, lambda descriptor: _comes(descriptor, channel))
    return command


def _begin(streams: list[int]) -> None:
    """Be what `posix_spawn` would have made."""
    os.setsid()
    for number in _IGNORED:
        signal.signal(number, signal.SIG_DFL)
    for place, descriptor in enumerate(streams):
        os.dup2(descriptor, place)


def _comes(descriptor: int, channel: int) -> bool:
    """Wait for something to read at a descriptor; return False when nobody wants the run any more."""
    poll = select.poll()
    for each in (CALLER, channel, descriptor):
        poll.register(each, select.POLLIN)
    return all(ready == descriptor for ready, _ in poll.poll())


def _wait(command: int, channel: int) -> None:
    """Wait until the command has ended, the caller closes the channel, or the caller is dead."""
    poll = select.poll()
    poll.register(CALLER, select.POLLIN)
    poll.register(channel, select.POLLIN)
    try:
        poll.register(os.pidfd_open(command), select.POLLIN)
    except OSError:
        while not poll.poll(_POLL) and not _has_ended(command):
            pass
    else:
        poll.poll()


def _has_ended(command: int) -> bool:
    """Return whether the command has ended; it stays to be waited for."""
    return os.waitid(os.P_PID, command, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end_all(command: int) -> int:
    """Kill all descendants and wait for them; return how the command ended.

    Whoever loses its parent becomes our child: when no child is left, nothing is. Those of another user,
    started by a program with such rights, cannot be killed and are left.
    """
    code, left = _KILLED, set[int]()
    while children := _children() - left:
        left |= {child for child in children if not _kill(child)}
        for child, status in _reap(left):
            if child == command:
                code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _kill(process: int) -> bool:
    """Kill a process with its group, which no fork can leave meanwhile; return whether we may."""
    try:
        os.killpg(os.getpgid(process), signal.SIGKILL)
        os.kill(process, signal.SIGKILL)
    except PermissionError:
        return False
    return True


def _reap(left: set[int]) -> Iterator[tuple[int, int]]:
    """Wait for a child, unless all that there are cannot be killed, and for all that have ended, too."""
    options = os.WNOHANG if _children() <= left else 0
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, options))[0]:
            yield ended
            options = os.WNOHANG


def _children() -> set[int]:
    """Return our children, those that have ended and were not waited for included."""
    own = os.getpid()
    try:
        return {int(child) for child in _content(f"/proc/self/task/{own}/children").split()}
    except FileNotFoundError:  # a kernel without that list
        return {process for process in _processes() if _parent(process) == own}


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def _parent(process: int) -> int:
    try:
        return int(_content(f"/proc/{process}/stat").rpartition(b")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return 0


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.read()
