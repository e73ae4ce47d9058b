"""Whether this process runs inside of a container already."""

from __future__ import annotations

import re
from pathlib import Path

# Control groups that engines make: their own name and an id in hexadecimal digits.
_GROUPS = re.compile(r"(docker|containerd|crio|libpod|kubepods|lxc|garden|ecs)[^/]*(/|-)[^/\s]|[0-9a-f]{64}")
_MOUNTS = re.compile(
    r"/(docker|containers|containerd|kubelet)/[^ ]*/(hostname|resolv\.conf|hosts|etc-hosts) "
)


def inside_container(root: Path = Path("/")) -> str | None:
    """Return what shows that this process is in a container; None where nothing does.

    :param root: where to look instead of ``/``.
    """
    for name in (".dockerenv", "run/.containerenv"):
        if (root / name).exists():
            return f"/{name}"
    if (root / "var/run/secrets/kubernetes.io/serviceaccount").is_dir():
        return "a service account of Kubernetes"
    if _GROUPS.search(_text(root / "proc/1/cgroup")):
        return "/proc/1/cgroup"
    # With cgroup v2 the group of a container reads "/": the files that engines mount are left.
    if _MOUNTS.search(_text(root / "proc/self/mountinfo")):
        return "/proc/self/mountinfo"
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
