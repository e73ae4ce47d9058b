"""``proto_kernel.pins``: where the kernel's own downloads come from on a machine that names no index."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from groundup import proto_kernel
from groundup.errors import GroundupError

HEADER = """\
# Where the kernel fetches uv and tomli when no index is configured: name version platform sha256 url
"""
REQUIREMENTS = f"uv=={proto_kernel.UV_VERSION}\ntomli=={proto_kernel.TOMLI_VERSION}\n"


class UnusableAddressError(GroundupError):
    """The index gives addresses that mean nothing on another machine."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One file that the kernel may fetch.

    :ivar platform: as the kernel names it, such as ``linux-x86_64``.
    :ivar sha256: of the file, in hexadecimal.
    :ivar url: address without credentials.
    """

    name: str
    version: str
    platform: str
    sha256: str
    url: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.platform} {self.sha256} {self.url}"


def wanted_files() -> dict[str, tuple[str, str, str]]:
    """Return sha256 → (name, version, platform) of the files that the kernel pins."""
    wheels = (line.split() for line in proto_kernel.UV_WHEELS.strip().splitlines())
    wanted = {sha256: ("uv", proto_kernel.UV_VERSION, platform) for platform, _tags, sha256 in wheels}
    return wanted | {proto_kernel.TOMLI_SHA256: ("tomli", proto_kernel.TOMLI_VERSION, "any")}


def pins_from_lock(text: str) -> list[Pin]:
    """Return the pins for the kernel's files that a ``pylock.toml`` lists.

    :raises UnusableAddressError: a file has a local address or none.
    :raises GroundupError: none of the kernel's files is listed.
    """
    wanted = wanted_files()
    listed = {wheel["hashes"].get("sha256"): wheel for wheel in _wheels(text)}
    pins = [
        Pin(*what, sha256, portable(listed[sha256])) for sha256, what in wanted.items() if sha256 in listed
    ]
    if not pins:
        raise GroundupError(
            f"the index has no file of uv {proto_kernel.UV_VERSION} with the hash that the kernel pins",
            hint="check that the index gives hashes and mirrors the wheels of uv",
        )
    return pins


def portable(wheel: Mapping[str, Any]) -> str:
    """Return the address of a file without credentials, query and fragment.

    :param wheel: its entry in a ``pylock.toml``.
    :raises UnusableAddressError: it is a path, a ``file:`` address or on the loopback interface.
    """
    parts = urlsplit(wheel.get("url", ""))
    if parts.scheme not in ("http", "https") or _is_loopback(parts.hostname or ""):
        what = f"{parts.scheme}://{parts.hostname or ''}" if parts.scheme else wheel.get("path", "no address")
        raise UnusableAddressError(
            f"the index gives addresses that no other machine can use: {what}",
            hint="run it with UV_DEFAULT_INDEX set to an index that other machines can reach",
        )
    bare: str = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return bare


def pins_text(pins: Iterable[Pin]) -> str:
    """Return the content of a pins file."""
    return HEADER + "".join(f"{pin}\n" for pin in pins)


def _wheels(text: str) -> Iterator[dict[str, Any]]:
    for package in tomllib.loads(text).get("packages", []):
        yield from package.get("wheels", [])


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
