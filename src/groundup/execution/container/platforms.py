"""What an image's Python can run: facts about it, and the wheels that fit."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from groundup.execution.container.errors import ImageMissing

_OTHER_PYTHON = "choose an image with a CPython for Linux: python_tag='3.12-slim', or image='…'"
_GLIBC = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)  # 2.N, as uv knows them
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Facts:
    """What the Python of an image is.

    :param libc: ``glibc`` or ``musl``.
    :param shell: whether the image has ``/bin/sh``.
    """

    executable: str
    version: tuple[int, int, int]
    implementation: str
    machine: str
    libc: str
    libc_version: str
    shell: bool

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the facts that a probe printed; raises ValueError."""
        found: Any = json.loads(text)
        try:
            major, minor, micro = found.pop("version")
            return cls(version=(int(major), int(minor), int(micro)), **found)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("no facts, or those of another version of the probe") from error

    def text(self) -> str:
        """Return the facts as a probe prints them."""
        return json.dumps(asdict(self))

    @property
    def python(self) -> str:
        """The version without its last part, such as ``3.12``."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def full_version(self) -> str:
        """The version, such as ``3.12.4``."""
        return ".".join(map(str, self.version))

    @property
    def platform(self) -> str:
        """The platform, as uv calls it, whose wheels run on this Python.

        :raises ImageMissing: there is none.
        """
        machine = _MACHINES.get(self.machine.lower())
        if self.implementation != "cpython" or machine is None:
            raise self._unfit(f"{self.implementation} on {self.machine}")
        numbers = tuple(int(part) for part in self.libc_version.split(".")[:2] if part.isdigit())
        if self.libc == "musl" and numbers >= (1, 2):
            return f"{machine}-unknown-linux-musl"
        if self.libc == "glibc" and numbers >= (2, _GLIBC[0]):
            return f"{machine}-manylinux_2_{max(minor for minor in _GLIBC if (2, minor) <= numbers)}"
        raise self._unfit(f"{self.libc or 'an unknown C library'} {self.libc_version}".strip())

    def _unfit(self, what: str) -> ImageMissing:
        return ImageMissing(f"there are no wheels for the image's Python: {what}", hint=_OTHER_PYTHON)
