"""uv: found by the kernel, called with nothing of the caller's environments."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from groundup import proto_kernel
from groundup.errors import GroundupError
from groundup.projects.errors import Phase, ProvisioningError

_HINTS: dict[Phase, str] = {
    "resolve": "check the names and versions of the requirements, and the index that uv uses",
    "install": "check the network and the index that uv uses, then try again",
}
# By PATH and cache folder: where it is, and what it then was.
_found: dict[tuple[str, str], tuple[Path, object]] = {}


def find_uv() -> Path:
    """Return the uv executable: the kernel's own, from its cache, from PATH, or fetched now.

    Raises GroundupError when there is none and none can be fetched.
    """
    place = os.environ.get("PATH", ""), proto_kernel.cache_folder()
    known = _found.get(place)
    if known is None or known[1] != _identity(known[0]):  # to ask for its version costs a process
        known = _found[place] = _find_uv()
    return known[0]


def _find_uv() -> tuple[Path, object]:
    try:
        found = Path(proto_kernel.find_uv())
    except proto_kernel.KernelError as error:
        raise GroundupError(str(error), hint=error.hint, exit_code=error.code) from error
    return found, _identity(found)


def _identity(file: Path) -> object:
    """Return what is another when a file was replaced or changed; None where there is none."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def run_uv(*arguments: str, folder: Path, environ: Mapping[str, str], phase: Phase, what: str) -> str:
    """Run uv in `folder` and return its stdout; `what` names the work in the message.

    Raises ProvisioningError with uv's own words.
    """
    with UvRun(*arguments, folder=folder, environ=environ, phase=phase, what=what) as run:
        return run.result()


class UvRun:
    """A run of uv in `folder`; it ends when the block is left. `what` names the work in the message."""

    def __init__(
        self,
        *arguments: str,
        folder: Path,
        environ: Mapping[str, str],
        phase: Phase,
        what: str,
        uv: Path | None = None,
    ) -> None:
        self._phase, self._what = phase, what
        self._process = subprocess.Popen(
            [str(uv or find_uv()), "--quiet", "--no-progress", "--color", "never", *arguments],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:  # closes the pipes and waits
            if self._process.returncode is None:
                self._process.kill()

    def result(self) -> str:
        """Return stdout, once uv has ended; raise ProvisioningError with uv's own words when it failed."""
        out, err = self._process.communicate()
        code = self._process.returncode
        if code:
            words = proto_kernel.mask(err.strip())
            raise ProvisioningError(
                f"{self._what}: {words.removeprefix('error: ') or f'uv exited with {code}'}",
                phase=self._phase,
                uv_exit_code=code,
                uv_output=words,
                hint=_HINTS[self._phase],
            )
        return out


def uv_environment(environ: Mapping[str, str], *, own_index: bool = False) -> dict[str, str]:
    """Return the variables for uv: the caller's, without environments and settings of Python.

    Proxies, credentials and uv's own configuration pass: they belong to the machine. Index address and
    certificates are those that the kernel uses; `own_index` says that the script names its own index.
    """
    return dict(proto_kernel.uv_environment(environ, own_index))
