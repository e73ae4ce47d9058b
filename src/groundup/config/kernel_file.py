"""The kernel file of a repository: found and read."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from groundup import proto_kernel
from groundup.errors import UserError

KERNEL = "proto_kernel.py"
PACKAGED = Path(proto_kernel.__file__)


@dataclass(frozen=True, slots=True)
class KernelFile:
    """One copy of the kernel.

    :ivar version: what it says of itself; empty when it says nothing.
    :ivar sha256: hash of its content, in hexadecimal.
    """

    path: Path
    version: str
    sha256: str

    @classmethod
    def read(cls, path: Path) -> KernelFile:
        """Read the kernel at `path`.

        :raises UserError: there is no such file, or it cannot be read.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}", hint="`groundup init` makes one") from error
        version = re.search(rb'^__version__ = "([^"]*)"', content, re.MULTILINE)
        return cls(path, version[1].decode() if version else "", hashlib.sha256(content).hexdigest())


def find_kernel(start: Path | None = None) -> Path | None:
    """Return the nearest kernel in `start` (default: the current folder) or above; None when there is none.

    A kernel inside a Python package is the package's own copy and does not count.
    """
    folder = (start or Path.cwd()).absolute()
    for candidate in (folder / KERNEL, *(parent / KERNEL for parent in folder.parents)):
        if candidate.is_file() and not (candidate.parent / "__init__.py").exists():
            return candidate
    return None
