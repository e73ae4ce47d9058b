"""The kernel file of the repository."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from groundup.config import Config
from groundup.dag import state


class KernelStatus(NamedTuple):
    """The repository's kernel beside the package's.

    :ivar version: what the repository's says of itself; empty when it says nothing.
    :ivar is_current: whether both are the same, byte for byte.
    """

    path: Path
    version: str
    package_version: str
    is_current: bool

    @property
    def hint(self) -> str:
        """What to do; empty when there is nothing to do."""
        return "" if self.is_current else "`groundup kernel update` takes the package's"

    def __str__(self) -> str:
        if self.is_current:
            return f"{self.version}, as the package's"
        return (
            f"{self.path} is {self.version or '?'} and not the package's {self.package_version}\n{self.hint}"
        )


@state
def kernel_current(config: Config) -> KernelStatus:
    """The repository's kernel is compared with the package's; neither is changed."""
    from groundup.config.kernel_file import KERNEL, PACKAGED, KernelFile

    ours = KernelFile.read(Path(config.values.get("kernel", config.root / KERNEL)))
    packaged = KernelFile.read(PACKAGED)
    return KernelStatus(ours.path, ours.version, packaged.version, ours.sha256 == packaged.sha256)
