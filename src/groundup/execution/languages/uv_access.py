"""uv for languages that want it: the program, its settings, the files that these name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, Self

from groundup.execution.languages.errors import Phase
from groundup.execution.languages.language import Language
from groundup.projects.uv import find_uv, uv_environment

_PREFIXES = ("UV_",)
_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


class UvAccess(NamedTuple):
    """What an executable needs for uv: variables, and files that it must be able to read."""

    variables: dict[str, str]
    files: list[Path]

    @classmethod
    def of(cls, language: Language, phase: Phase, work: Path, is_isolated: bool) -> Self:
        """Return what a phase of a language gets; nothing where it has no use for uv.

        :raises GroundupError: there is no uv, and none can be fetched.
        """
        if not language.settings.uses_uv or phase == "run":
            return cls({}, [])
        uv = find_uv()
        environ = uv_environment(os.environ)
        variables = {name: value for name, value in environ.items() if _matters(name)}
        if is_isolated:
            variables |= {
                "UV_CACHE_DIR": str(work / "uv-cache"),
                "UV_PYTHON_INSTALL_DIR": str(work / "pythons"),
            }
        else:
            variables["PATH"] = _path(environ["PATH"])
        certificates = [
            Path(variables[name]) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in variables
        ]
        return cls({**variables, "GROUNDUP_STEP_UV": str(uv)}, [uv, *certificates])


def _matters(name: str) -> bool:
    return name.startswith(_PREFIXES) or name.upper() in _NETWORK


def _path(path: str) -> str:
    """Return the search path of the host with groundup's own Python in front."""
    from groundup.execution.languages.runtime import base_python

    return os.pathsep.join([str(base_python().parent), path])
