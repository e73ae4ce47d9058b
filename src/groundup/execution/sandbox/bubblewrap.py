"""Bubblewrap: found, started by way of the stage, and its complaints put into words."""

from __future__ import annotations

import marshal
import os
import resource
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from groundup.execution.containment import Containment, Stage
from groundup.execution.process import Ended, Stdin, run_process
from groundup.execution.run import Run
from groundup.execution.sandbox.cgroups import group_of
from groundup.execution.sandbox.errors import SandboxError
from groundup.execution.sandbox.limits import SandboxLimits
from groundup.execution.sandbox.seccomp import filter_program
from groundup.execution.sandbox.user import cover, given, no_uid
from groundup.execution.sandbox.view import INSIDE, Word
from groundup.execution.tree import CannotStart

NAME = "bubblewrap"
_STATUS = 4096  # bytes that bubblewrap tells at most of a run
_STAGE = Path(__file__).with_name("stage.py")
_NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup"),
    *("--disable-userns", "--uid", str(INSIDE), "--gid", str(INSIDE), "--hostname", "sandbox"),
    *("--cap-drop", "ALL", "--new-session", "--die-with-parent", "--clearenv"),
)
_REFUSALS = ("namespace", "uid map", "gid map", "setgroups", "mount proc", "Operation not permitted")
_FILES = (
    "execvp",
    "Can't find",
    "Can't bind",
    "Can't chdir",
    "Can't get type",
    "Can't create",
    "Can't mkdir",
)


def find_bubblewrap() -> str:
    """Return the path of bubblewrap.

    :raises SandboxError: there is none, or it could not run here.
    """
    if sys.platform != "linux":
        raise SandboxError(
            "platform", "a sandbox needs Linux", hint="isolation by a container works on other systems, too"
        )
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxError(
            "bubblewrap",
            "a sandbox needs bubblewrap, and there is no bwrap on PATH",
            hint="install the package bubblewrap",
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A command in a sandbox.

    :ivar env: all of its variables.
    :ivar cwd: its working folder, as it sees it.
    :ivar view: options for what it sees.
    :ivar writable: what of that, in the caller's eyes, it writes.
    """

    argv: Sequence[str | os.PathLike[str]]
    env: Mapping[str, str]
    cwd: Path
    view: Sequence[Word]
    writable: Sequence[Path] = ()
    network: bool = False


@dataclass(frozen=True, kw_only=True)
class Bubblewrap:
    """Runs commands, each in a sandbox of its own.

    :ivar uid: who they run as outside; None for the caller.
    """

    program: str
    limits: SandboxLimits
    uid: int | None

    def run(self, entry: Entry, options: Run) -> Ended:
        """Run a command; of `options` those count that say how it is watched.

        :raises SandboxError: it could not be started.
        """
        with (
            _own_stdin(options.stdin) as stdin,
            given(entry.writable, self.uid),
            group_of(self.limits.total_memory) as groups,
        ):
            return self._watched(entry, replace(options, stdin=stdin), groups)

    def _watched(self, entry: Entry, options: Run, groups: Sequence[Path]) -> Ended:
        status = os.memfd_create("status")
        try:
            log = f"/proc/{os.getpid()}/fd/{status}"
            ended = self._run(entry, options, self._stage(entry, log, groups))
            self._check(ended, os.pread(status, _STATUS, 0))
        finally:
            os.close(status)
        return ended

    def _run(self, entry: Entry, options: Run, stage: Stage) -> Ended:
        try:
            return run_process(
                entry.argv,
                env=entry.env,
                cwd=Path("/"),
                stdin=options.stdin,
                timeout=options.timeout,
                on_stdout=options.on_stdout,
                on_stderr=options.on_stderr,
                capture_output=options.capture_output,
                stop=options.stop,
                contained_by=Containment(NAME, stage=stage),
            )
        except CannotStart as error:
            raise self._named(error) from error

    def _stage(self, entry: Entry, log: str, groups: Sequence[Path]) -> Stage:
        words: list[Word] = [
            *_NAMESPACES,
            *([] if entry.network else ["--unshare-net"]),
            *("--seccomp", ("data", filter_program(unix_sockets=not entry.network))),
            *("--json-status-fd", ("log", log)),
            *entry.view,
            *("--chdir", str(entry.cwd)),
        ]
        specification = {
            "bubblewrap": os.fsencode(self.program),
            "options": [_encoded(word) for word in words],
            "uid": self.uid,
            "apart": os.fsencode(cover(self.program)),
            "groups": [os.fsencode(group) for group in groups],
            "limits": list(_resources(self.limits)),
            "processes": self.limits.processes,
        }
        return Stage(_STAGE, marshal.dumps(specification))

    def _check(self, ended: Ended, status: bytes) -> None:
        """Raise SandboxError with bubblewrap's words when the command was never reached."""
        if b'"exit-code"' in status or ended.exit_code != 1 or ended.timed_out:
            return
        words = ended.stderr.text().strip().removeprefix("bwrap: ") or "it says nothing"
        if "nknown option" in words:
            raise SandboxError(
                "bubblewrap",
                f"{self.program} is too old for a sandbox: {words}",
                hint="install bubblewrap 0.8 or newer",
            )
        if any(each in words for each in _REFUSALS) and not words.startswith(_FILES):
            raise _refused(words)
        raise SandboxError("files", f"a sandbox cannot show what is needed: {words}", hint=self._readable)

    def _named(self, error: CannotStart) -> SandboxError:
        if error.words.startswith("uid "):
            return no_uid(self.uid, error.words.partition(": ")[2])
        if error.words.startswith(("unshare", "mount")):
            return _refused(error.words)
        message = f"a sandbox cannot be started: {error.words}"
        return SandboxError("files", message, hint=self._readable)

    @property
    def _readable(self) -> str:
        who = f"uid {self.uid}, as whom it runs," if self.uid is not None else "you"
        return f"check that it is there, and that {who} can read it"


@contextmanager
def _own_stdin(stdin: Stdin | None) -> Iterator[Stdin | None]:
    """Give what a run reads: a copy instead of a file of the caller's, which it could open for writing."""
    if stdin is None or isinstance(stdin, str | bytes) or not _is_file(stdin):
        yield stdin
        return
    with tempfile.TemporaryFile() as copy:
        with open(os.dup(stdin.fileno()), "rb", buffering=0) as source:  # noqa: PTH123
            shutil.copyfileobj(source, copy)
        copy.seek(0)
        yield copy


def _is_file(stdin: IO[bytes]) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stdin.fileno()).st_mode)
    except OSError:  # it is in memory
        return False


def _refused(words: str) -> SandboxError:
    return SandboxError(
        "namespaces",
        f"this system refuses the namespaces that a sandbox needs: {words}",
        hint="allow user namespaces (kernel.unprivileged_userns_clone, user.max_user_namespaces, "
        "kernel.apparmor_restrict_unprivileged_userns); inside of a container they are mostly refused",
    )


def _encoded(word: Word) -> bytes | tuple[str, bytes]:
    if isinstance(word, str):
        return os.fsencode(word)
    kind, content = word
    return kind, os.fsencode(content)


def _resources(limits: SandboxLimits) -> Iterator[tuple[int, int]]:
    chosen = {
        resource.RLIMIT_AS: limits.memory,
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    yield from ((number, limit) for number, limit in chosen.items() if limit is not None)
