"""Errors of projects.

::

    GroundupError
    ├── ProvisioningError     uv could not resolve or install what a script requires
    └── UserError              a bad script, id or requirement; an unknown project
"""

from __future__ import annotations

from typing import Literal

from groundup.errors import GroundupError

Phase = Literal["resolve", "install"]


class ProvisioningError(GroundupError):
    """uv failed.

    :param phase: "resolve": no interpreter or no set of versions fits; "install": a distribution could not
        be fetched, built or installed.
    :param uv_exit_code: exit code of uv.
    :param uv_output: what uv said, secrets masked.
    """

    def __init__(self, message: str, *, phase: Phase, uv_exit_code: int, uv_output: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.phase: Phase = phase
        self.uv_exit_code = uv_exit_code
        self.uv_output = uv_output
