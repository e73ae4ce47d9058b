"""Processes: the kernel as a user starts it, in an environment that holds nothing of the tester's own."""

from __future__ import annotations

import configparser
import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.session import session_folder

# What a machine needs to reach its package index at all: certificates, proxies, index addresses.
PASSED_ON = (
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_INDEX_URL",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_PYTHON_INSTALL_DIR",
    "UV_SYSTEM_CERTS",
)
OLDEST = (3, 6)


def clean_env(home: Path, **extra: str | None) -> dict[str, str]:
    """Return the environment of a fresh user whose home is `home`.

    Fetched files (`GROUNDUP_HOME`, `UV_CACHE_DIR`) are shared by the whole test session. The machine's
    way to its package index is kept. `extra` is set on top; None removes a variable.
    """
    home.mkdir(parents=True, exist_ok=True)
    variables: dict[str, str | None] = {
        **_machine(),
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "GROUNDUP_HOME": str(session_folder() / "groundup"),
        "UV_CACHE_DIR": str(session_folder() / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        **extra,
    }
    return {name: value for name, value in variables.items() if value is not None}


def run(
    arguments: list[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    check: bool = False,
    timeout: float = 240,
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `arguments` to the end; stdout and stderr are text. `check` raises AssertionError with both."""
    done = subprocess.run(
        arguments,
        env=dict(env),
        cwd=cwd,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
    )
    if check and done.returncode != 0:
        raise AssertionError(describe(done))
    return done


def run_kernel(
    repo: Path,
    *args: str,
    python: str | Path = sys.executable,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = False,
    timeout: float = 240,
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `<python> <repo>/proto_kernel.py args…`; by default as a fresh user, from inside `repo`."""
    return run(
        [str(python), str(repo / "proto_kernel.py"), *args],
        env=clean_env(repo.parent / "home") if env is None else env,
        cwd=repo if cwd is None else cwd,
        check=check,
        timeout=timeout,
        stdin=stdin,
    )


def describe(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a process was, its exit code and its whole output, for the message of an assertion."""
    return f"{done.args}\nexit {done.returncode}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"


@functools.cache
def interpreters() -> dict[str, Path]:
    """Return the CPython interpreters of this machine, 3.6 and newer, `{"3.11": path}`, oldest first.

    Looks into pyenv's versions, then PATH; pyenv's shims and interpreters of venvs are passed over.
    """
    found: dict[tuple[int, int], Path] = {}
    for candidate in _candidates():
        version = _version(candidate)
        if version is not None and version >= OLDEST:
            found.setdefault(version, candidate)
    return {f"{major}.{minor}": found[major, minor] for major, minor in sorted(found)}


def pyenv_root() -> Path | None:
    """Return pyenv's folder on this machine, if there is one."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return root if (root / "versions").is_dir() else None


def _candidates() -> Iterator[Path]:
    root = pyenv_root()
    if root is not None:
        yield from sorted(root.glob("versions/*/bin/python3"))
    yield Path(sys._base_executable)  # type: ignore[attr-defined]
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if Path(folder).name != "shims":
            yield from (p for p in sorted(Path(folder).glob("python3*")) if _is_python(p.name))


def _is_python(name: str) -> bool:
    return re.fullmatch(r"python3(\.\d+)?", name) is not None


PROBE = (
    "import sys; print(sys.implementation.name, sys.version_info[0], sys.version_info[1], "
    "sys.prefix == sys.base_prefix)"
)


def _version(python: Path) -> tuple[int, int] | None:
    probe = subprocess.run([str(python), "-I", "-c", PROBE], capture_output=True, text=True, check=False)
    words = probe.stdout.split()
    if probe.returncode != 0 or words[0] != "cpython" or words[3] != "True":
        return None
    return int(words[1]), int(words[2])


@functools.cache
def _machine() -> dict[str, str]:
    """Return the variables through which a fresh user reaches what this machine offers."""
    both_cases = [*PASSED_ON, *(name.lower() for name in PASSED_ON if name.endswith("_PROXY"))]
    passed = {name: os.environ[name] for name in both_cases if name in os.environ}
    root = pyenv_root()
    if root is not None:
        passed["PYENV_ROOT"] = str(root)
    managed = Path.home() / ".local/share/uv/python"
    if managed.is_dir():
        passed.setdefault("UV_PYTHON_INSTALL_DIR", str(managed))
    index = _index_of_the_tester()
    if index is not None and not {"PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"} & passed.keys():
        passed["UV_DEFAULT_INDEX"] = index
    return passed


def _index_of_the_tester() -> str | None:
    """Return the index address in the tester's own pip configuration, which another home hides."""
    for file in (Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
        parser = configparser.RawConfigParser()
        parser.read(file)
        if parser.has_option("global", "index-url"):
            return parser.get("global", "index-url")
    return None
