"""The filter of system calls. Docker's own lets nobody without rights make namespaces; Podman's own does."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from groundup.execution.container.engine import Engine
from groundup.projects.home import cache_folder

PROFILES = (Path("/etc/containers/seccomp.json"), Path("/usr/share/containers/seccomp.json"))
_NEW_NAMESPACE = 0x7E020000  # CLONE_NEW*
_NO_SUCH_CALL, _NOT_PERMITTED = 38, 1  # ENOSYS, EPERM
_CLOSED = {
    *("setns", "mount", "umount", "umount2", "mount_setattr", "move_mount", "open_tree", "pivot_root"),
    *("fsopen", "fsconfig", "fsmount", "fspick", "keyctl", "add_key", "request_key", "userfaultfd"),
}
_CLONE = {"clone", "clone3", "unshare"}


def seccomp_options(engine: Engine) -> list[str]:
    """Return security options of a container; none where the engine's own filter does, or is not known."""
    if engine.name != "podman":
        return []
    profile = next((path for path in PROFILES if path.is_file()), None)
    return [] if profile is None else [f"seccomp={_kept(profile)}"]


def tightened(profile: dict[str, Any]) -> dict[str, Any]:
    """Return a profile that lets nobody make namespaces, mount, or keep keys, and is else as it was."""
    rules = [_without(rule, _CLOSED | _CLONE) for rule in profile["syscalls"]]
    return {**profile, "syscalls": [*(rule for rule in rules if rule["names"]), *_own_rules()]}


def _without(rule: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {**rule, "names": [name for name in rule["names"] if name not in names]}


def _own_rules() -> list[dict[str, Any]]:
    plain = [{"index": 0, "value": _NEW_NAMESPACE, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]
    return [
        {"names": ["clone", "unshare"], "action": "SCMP_ACT_ALLOW", "args": plain},
        # Its flags are in memory, where a filter cannot look; programs then take the older call.
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _NO_SUCH_CALL},
        {"names": sorted(_CLOSED), "action": "SCMP_ACT_ERRNO", "errnoRet": _NOT_PERMITTED},
    ]


def _kept(profile: Path) -> Path:
    """Return a file with the tightened profile: Podman takes a path."""
    text = json.dumps(tightened(json.loads(profile.read_text(encoding="utf-8"))))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    file = cache_folder() / "containers" / f"seccomp-{digest}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{file.name}.{os.urandom(8).hex()}")
        aside.write_text(text, encoding="utf-8")
        aside.rename(file)
    return file
