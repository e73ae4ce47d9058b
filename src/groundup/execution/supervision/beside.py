"""Programs beside this process, which notice when it is dead."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
from pathlib import Path

from groundup.errors import GroundupError

# Appended: the standard library comes first. Imported, not run by its path: so it is compiled once.
_START = "import sys; sys.path.append(sys.argv[1]); import {program}; {program}.main()"


def start_beside(program: str, folder: Path, control: socket.socket) -> tuple[int, int | None]:
    """Start the module `program` in `folder` by this Python, in a session of its own.

    Its descriptors are 0, a duplicate of `control`; 1, readable when this process is dead; 2, /dev/null.

    :returns: its process id, and a descriptor that has to stay open as long as this process lives.
    :raises GroundupError: it cannot be started.
    """
    watched, held = _sign_of_life()
    with open(os.devnull, "r+b", buffering=0) as nowhere:  # noqa: PTH123
        descriptors = [_above_streams(each) for each in (control.fileno(), watched, nowhere.fileno())]
    os.close(watched)
    try:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-c", _START.format(program=program), str(folder)],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, each, place) for place, each in enumerate(descriptors)],
            setsid=True,
            setsigmask=(),
        )
    except OSError as error:
        raise GroundupError(
            f"cannot start the supervisor by {sys.executable}: {error.strerror}",
            hint="check that this Python can start processes",
        ) from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return pid, held


def _sign_of_life() -> tuple[int, int | None]:
    """Return what becomes readable when this process is dead, and what has to stay open until then."""
    try:
        return os.pidfd_open(os.getpid()), None
    except OSError:  # an old kernel; forked children would hold the pipe, too
        return os.pipe()


def _above_streams(descriptor: int) -> int:
    """Return a duplicate that is none of 0, 1, 2: these are assigned one after the other."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
