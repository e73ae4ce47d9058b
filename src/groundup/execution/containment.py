"""What holds the processes of a run together, so that none outlives it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from groundup.errors import GroundupError, UserError

_BUBBLEWRAP = (
    *("--unshare-pid", "--die-with-parent", "--new-session"),
    *("--dev-bind", "/", "/", "--proc", "/proc", "--"),
)


class Stage(NamedTuple):
    """What a supervisor does in the new process, before the command or in its place.

    :param module: path of a module that needs the standard library alone. What its function ``prepare`` makes
        of `specification` is given to ``start``, which becomes the command, and to ``accompany`` beside it.
    """

    module: Path
    specification: bytes


@dataclass(frozen=True)
class Containment:
    """A way to hold a tree of processes.

    :param name: as it stands in the environment of a result.
    :param prefix: what goes before the command: a program that runs it somewhere apart.
    :param supervised: whether a supervisor holds the tree; otherwise only its process group does.
    :param stage: what the supervisor does before the command.
    """

    name: str
    prefix: tuple[str, ...] = ()
    supervised: bool = True
    stage: Stage | None = None


PROCESS_GROUP = Containment("process-group", supervised=False)
SUPERVISOR = Containment("supervisor")


def containment(name: str | None = None) -> Containment:
    """Return the containment of that name, by default the strongest that works here.

    :raises UserError: it is not known, or does not work here.
    """
    if name is None:
        return _pid_namespace() or (SUPERVISOR if _supervisor_works() else PROCESS_GROUP)
    offered: dict[str, Callable[[], Containment | None]] = {
        "pid-namespace": _pid_namespace,
        "supervisor": lambda: SUPERVISOR if _supervisor_works() else None,
        "process-group": lambda: PROCESS_GROUP,
    }
    if name not in offered:
        raise UserError(f"containment {name!r} is not known", hint=f"one of {', '.join(offered)}")
    found = offered[name]()
    if found is None:
        raise UserError(
            f"containment by a {name} does not work on this machine",
            hint="a pid namespace needs bubblewrap and the right to make one, a supervisor needs Linux",
        )
    return found


@cache
def _pid_namespace() -> Containment | None:
    """Return the containment by a pid namespace, in which all else is as outside, where that works."""
    from groundup.execution.process import run_process

    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None or not _supervisor_works():
        return None
    found = Containment("pid-namespace", (bubblewrap, *_BUBBLEWRAP))
    try:
        ended = run_process(["/bin/sh", "-c", "exit 3"], env={}, cwd=Path("/"), contained_by=found)
    except GroundupError:  # what bubblewrap lacks
        return None
    return found if ended.exit_code == 3 else None


@cache
def _supervisor_works() -> bool:
    return sys.platform == "linux" and bool(sys.executable) and os.access("/proc/self/fd", os.R_OK)
