"""uv: found by the kernel, called with nothing of the caller's environments."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from groundup import proto_kernel
from groundup.errors import GroundupError
from groundup.projects.errors import Phase, ProvisioningError

# What would point uv at another project, environment or interpreter. Being offline is the user's to say.
_MISLEADING = {
    *proto_kernel.REDIRECTING,
    "CONDA_DEFAULT_ENV",
    "UV_VENV_CLEAR",
    "UV_VENV_SEED",
    "UV_WORKING_DIRECTORY",
    "__PYVENV_LAUNCHER__",
} - {"UV_OFFLINE"}
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
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _MISLEADING and not name.startswith("PYTHON")
    }
    kept["PATH"] = _search_path(kept)
    authorities = proto_kernel.certificates()
    index = None if own_index or "UV_INDEX_URL" in kept else proto_kernel.configured_index()
    defaults = {
        "SSL_CERT_FILE": authorities,
        "UV_DEFAULT_INDEX": index[0] if index else "",
        "UV_SYSTEM_CERTS": "true",
        "UV_NATIVE_TLS": "true",
    }
    return {**{name: value for name, value in defaults.items() if value}, **kept}


def _search_path(environ: Mapping[str, str]) -> str:
    """Return PATH with the interpreters behind version managers, whose shims stand for one version only."""
    home = Path.home()
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv")
    asdf = Path(environ.get("ASDF_DATA_DIR") or home / ".asdf")
    behind = {
        folder: proto_kernel.numbers(folder.parent.name)
        for folder in (*pyenv.glob("versions/*/bin"), *asdf.glob("installs/python/*/bin"))
    }
    # uv gives up at the first interpreter that it cannot ask: those are older than 3.6.
    usable = [folder for folder, version in behind.items() if version >= (3, 6)]
    newest_first = sorted(usable, key=lambda folder: behind[folder], reverse=True)
    return os.pathsep.join([environ.get("PATH", os.defpath), *map(str, newest_first)])
