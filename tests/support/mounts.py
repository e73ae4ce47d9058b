"""Kernels that run where a folder is read-only or full: in a mount namespace of their own."""

from __future__ import annotations

import functools
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.process import run
from tests.support.requirements import require

UNSHARE = ("unshare", "--mount", "--map-root-user", "--propagation", "private")


@functools.cache
def can_mount() -> bool:
    """Whether this machine lets a process mount in a namespace of its own."""
    try:
        probe = subprocess.run(
            [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
        )
    except FileNotFoundError:
        return False
    return probe.returncode == 0


def in_namespace(script: str, *, env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell script that may mount what it likes; nobody else sees it."""
    require(can_mount(), "the right to mount in a namespace")
    return run([*UNSHARE, "sh", "-c", script], env=env, cwd=cwd)


def kernel_words(repo: Path, *args: str) -> str:
    """Return the shell words that run the kernel of `repo`."""
    return shlex.join([sys.executable, str(repo / "proto_kernel.py"), *args])


def read_only(folder: Path) -> str:
    """Return the shell command that makes `folder` read-only, as a checkout on such a disk is."""
    word = shlex.quote(str(folder))
    return f"mount --bind {word} {word} && mount -o remount,bind,ro {word}"


def small_disk(folder: Path, size: str) -> str:
    """Return the shell command that mounts a disk of `size` (such as "2m") over `folder`."""
    return f"mount -t tmpfs -o size={size} none {shlex.quote(str(folder))}"


def larger_disk(folder: Path, size: str) -> str:
    """Return the shell command that makes a small disk larger."""
    return f"mount -o remount,size={size} {shlex.quote(str(folder))}"
