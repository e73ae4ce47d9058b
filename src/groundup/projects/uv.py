"""uv: found by the kernel, called with nothing of the caller's environments."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from groundup import proto_kernel
from groundup.errors import GroundupError
from groundup.projects.errors import Phase, ProvisioningError

_HINTS: dict[Phase, str] = {
    "resolve": "check the names and versions of the requirements, and the index that uv uses",
    "install": "check the network and the index that uv uses, then try again",
}


def find_uv() -> Path:
    """Return the uv executable: the kernel's own, from its cache, from PATH, or fetched now.

    Raises GroundupError when there is none and none can be fetched.
    """
    try:
        return Path(proto_kernel.find_uv())
    except proto_kernel.KernelError as error:
        raise GroundupError(str(error), hint=error.hint, exit_code=error.code) from error


def run_uv(*arguments: str, folder: Path, environ: Mapping[str, str], phase: Phase, what: str) -> str:
    """Run uv in `folder` and return its stdout; `what` names the work in the message.

    Raises ProvisioningError with uv's own words.
    """
    command = [str(find_uv()), "--quiet", "--no-progress", "--color", "never", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        words = proto_kernel.mask(done.stderr.strip())
        raise ProvisioningError(
            f"{what}: {words.removeprefix('error: ') or f'uv exited with {done.returncode}'}",
            phase=phase,
            uv_exit_code=done.returncode,
            uv_output=words,
            hint=_HINTS[phase],
        )
    return done.stdout


def uv_environment(environ: Mapping[str, str], *, own_index: bool = False) -> dict[str, str]:
    """Return the variables for uv: the caller's, without environments and settings of Python.

    Proxies, credentials and uv's own configuration pass: they belong to the machine. Index address and
    certificates are those that the kernel uses; `own_index` says that the script names its own index.
    """
    return dict(proto_kernel.uv_environment(environ, own_index))
