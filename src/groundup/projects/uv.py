"""uv: found by the kernel, called with nothing of the caller's environments."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from groundup import proto_kernel
from groundup.errors import GroundupError, UserError
from groundup.projects.errors import Phase, ProvisioningError

_HINTS: dict[Phase, str] = {
    "resolve": "check the names and versions of the requirements, and the index that uv uses",
    "install": "check the network and the index that uv uses, then try again",
}
# What uv says before it fails, and of a file of which it ignores all; the reason is below the caret.
_FAILURE = re.compile(r"\A.*?(?=^error: )", re.DOTALL | re.MULTILINE)
_IGNORED = re.compile(r"^warning: Failed to parse `pyproject\.toml`(?s:.*?)\^\s*\n(.*)$", re.MULTILINE)
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
    """A run of uv in `folder`; it ends when the block is left. `what` names the work in the message.

    :param own_settings: whether ``pyproject.toml`` has settings of a user, which uv only warns about.
    """

    def __init__(  # noqa: PLR0913 - what can be said of a run
        self,
        *arguments: str,
        folder: Path,
        environ: Mapping[str, str],
        phase: Phase,
        what: str,
        uv: Path | None = None,
        own_settings: bool = False,
    ) -> None:
        self._phase, self._what = phase, what
        quiet = [] if own_settings else ["--quiet"]
        self._process = subprocess.Popen(
            [str(uv or find_uv()), *quiet, "--no-progress", "--color", "never", *arguments],
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
        """Return stdout, once uv has ended; raise ProvisioningError with uv's own words when it failed.

        Raises UserError for settings of a user that are wrong.
        """
        out, err = self._process.communicate()
        code = self._process.returncode
        _check_settings(err, self._what)
        if code:
            words = proto_kernel.mask(_FAILURE.sub("", err).strip())
            raise ProvisioningError(
                f"{self._what}: {words.removeprefix('error: ') or f'uv exited with {code}'}",
                phase=self._phase,
                uv_exit_code=code,
                uv_output=words,
                hint=_HINTS[self._phase],
            )
        return out


def _check_settings(words: str, what: str) -> None:
    """Raise UserError where uv ignored all settings because of one, even the index that they name."""
    ignored = _IGNORED.search(words)
    if ignored:
        reason = ignored[1].strip().partition(", expected one of")[0]
        raise UserError(
            f"{what}: [tool.uv]: {proto_kernel.mask(reason)}", hint="correct it in the block of the script"
        )


def uv_environment(environ: Mapping[str, str], *, own_index: bool = False) -> dict[str, str]:
    """Return the variables for uv: the caller's, without environments and settings of Python.

    Proxies, credentials and uv's own configuration pass: they belong to the machine. Index address and
    certificates are those that the kernel uses; `own_index` says that the script names its own index.
    """
    return dict(proto_kernel.uv_environment(environ, own_index))
