"""What the tests of fetching share: real wheels to serve, a user with an empty cache."""

from __future__ import annotations

import shutil
from pathlib import Path

from filelock import FileLock

from tests.support.process import clean_env
from tests.support.session import session_folder
from tests.support.wheels import tomli_wheel, uv_wheel

# The machine's own way to its index: a test that brings its own must not meet it.
MACHINES_OWN = (
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)


def fresh_user(folder: Path, **extra: str | None) -> dict[str, str]:
    """Return the variables of a user who has no cache, no index, no proxy and no pip configuration."""
    return clean_env(
        folder / "home",
        **{
            **dict.fromkeys(MACHINES_OWN),
            "PIP_CONFIG_FILE": "/dev/null",
            "GROUNDUP_HOME": str(folder / "groundup"),
            **extra,
        },
    )


def real_wheels() -> Path:
    """Return a folder with the real wheels of uv and tomli that the kernel pins, fetched once per session."""
    folder = session_folder() / "served"
    wheels = (uv_wheel(), tomli_wheel())
    with FileLock(f"{folder}.lock"):
        folder.mkdir(exist_ok=True)
        for wheel in wheels:
            if not (folder / wheel.name).exists():
                shutil.copyfile(wheel, folder / f"{wheel.name}.part")
                (folder / f"{wheel.name}.part").rename(folder / wheel.name)
    return folder


def cached(folder: Path) -> list[Path]:
    """Return what the kernel keeps for the user in `folder`, apart from its lock files."""
    return [path for path in (folder / "groundup").rglob("*") if path.is_file() and path.suffix != ".lock"]


def unpacked(folder: Path) -> list[str]:
    """Return the names of the executables that the kernel unpacked for the user in `folder`."""
    return sorted(path.name for path in cached(folder) if path.name in ("uv", "uvx"))
