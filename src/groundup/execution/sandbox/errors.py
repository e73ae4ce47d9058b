"""What keeps a sandbox from starting.

::

    GroundupError
    └── SandboxError     carries the reason: nothing was run, and nothing is run with less isolation
"""

from __future__ import annotations

from typing import Literal

from groundup.errors import GroundupError

Reason = Literal["platform", "bubblewrap", "namespaces", "uid", "cgroup", "files"]


class SandboxError(GroundupError):
    """A sandbox cannot be had here, or cannot hold what it was given.

    :param reason: "platform": no Linux, or an unknown processor; "bubblewrap": missing or too old;
        "namespaces": the system refuses them; "uid": no other user can be had for a caller who is root;
        "cgroup": a limit needs one, and none can be made; "files": something cannot be shown in a sandbox.
    """

    def __init__(self, reason: Reason, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return _error, (self.reason, str(self), self.hint)


def _error(reason: Reason, message: str, hint: str) -> SandboxError:
    return SandboxError(reason, message, hint=hint)
