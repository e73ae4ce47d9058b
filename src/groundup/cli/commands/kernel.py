"""``groundup kernel status`` and ``groundup kernel update``: the repository's copy and the package's."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import asdict
from pathlib import Path

from groundup.config.files import write_whole
from groundup.config.kernel_file import PACKAGED, KernelFile

DIFFERENT = 1


def status(kernel: Path, *, as_json: bool = False) -> int:
    """Write version and sha256 of `kernel` and of the package's to stdout; return 1 when they differ.

    :raises UserError: `kernel` cannot be read.
    """
    ours, packaged = KernelFile.read(kernel), KernelFile.read(PACKAGED)
    same = ours.sha256 == packaged.sha256
    if as_json:
        data = {"same": same, "repository": asdict(ours), "package": asdict(packaged)}
        sys.stdout.write(json.dumps(data, indent=2, default=str) + "\n")
    else:
        for label, file in (("repository", ours), ("package   ", packaged)):
            sys.stdout.write(f"{label}  {file.version or '?'}  {file.sha256}  {file.path}\n")
        sys.stdout.write("same\n" if same else "different: `groundup kernel update` takes the package's\n")
    return 0 if same else DIFFERENT


def update(kernel: Path) -> int:
    """Replace `kernel` by the package's, atomically; its mode stays.

    :raises UserError: `kernel` cannot be read.
    :raises GroundupError: it cannot be written.
    """
    ours, packaged = KernelFile.read(kernel), KernelFile.read(PACKAGED)
    if ours.sha256 == packaged.sha256:
        sys.stdout.write(f"{ours.path} is {packaged.version} already\n")
        return 0
    path = ours.path.resolve()
    write_whole(path, PACKAGED.read_bytes(), mode=stat.S_IMODE(path.stat().st_mode))
    sys.stdout.write(f"{ours.path}: {ours.version or '?'} → {packaged.version}\n")
    return 0
