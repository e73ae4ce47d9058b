"""The kernel that commands go to: which one, and handing over to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from groundup import proto_kernel
from groundup.config.kernel_file import KERNEL
from groundup.errors import UserError


def made_by() -> Path:
    """Return the kernel that made this environment.

    :raises UserError: none did.
    """
    stamp = proto_kernel.read_stamp(sys.prefix)
    if stamp is None:
        raise missing_kernel()
    return Path(stamp.values["kernel"])


def hand_over(kernel: Path, words: list[str]) -> NoReturn:
    """Become `kernel` with the arguments `words`."""
    proto_kernel.become([sys.executable, "-I", str(kernel), *words], dict(os.environ))


def missing_kernel() -> UserError:
    """Return the error for a folder that belongs to no repository with a kernel."""
    return UserError(
        f"there is no {KERNEL} in {Path.cwd()} or above it", hint="`groundup init` drops one into this folder"
    )
