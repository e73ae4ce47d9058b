"""An environment: a folder with a locked uv project and its ``.venv``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.errors import GroundupError
from groundup.projects.errors import Phase
from groundup.projects.requirements import EnvironmentSpec

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Environment:
    """A folder with ``.venv pyproject.toml uv.lock requirements.txt``; it works wherever it is moved."""

    path: Path

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.path / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter of the virtual environment."""
        return self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def works(self) -> bool:
        """Return whether the interpreter behind the virtual environment is still installed."""
        return os.path.exists(self.python)  # noqa: PTH110 - a third of the time of Path.exists


def build_environment(folder: Path, spec: EnvironmentSpec, name: str) -> Environment:
    """Lock and install `spec` in `folder`, which exists; `name` says in messages for whom.

    Raises UserError for a malformed requirement, ProvisioningError with uv's words.
    """
    builder = EnvironmentBuilder(folder, spec, name)
    builder.create_venv()
    builder.install()
    return builder.environment


class EnvironmentBuilder:
    """The steps from a specification to an environment, in order."""

    def __init__(
        self, folder: Path, spec: EnvironmentSpec, name: str, on_progress: Progress = lambda _: None
    ) -> None:
        from groundup.projects.uv import uv_environment

        spec.check()
        self.folder, self.spec, self.name, self.tell = folder, spec, name, on_progress
        self.environment = Environment(folder)
        own_index = not {"index", "index-url", "no-index"}.isdisjoint(spec.uv)
        self.environ = uv_environment(os.environ, own_index=own_index)

    def create_venv(self) -> None:
        """Create the virtual environment, empty and relocatable: the folder is renamed when complete."""
        self._uv(
            "resolve", "venv", "--relocatable", "--no-project", "--python", self._python_request(), ".venv"
        )

    def install(self) -> None:
        """Resolve into ``uv.lock``, write ``requirements.txt`` with hashes, install."""
        (self.folder / "pyproject.toml").write_text(self._pyproject(), encoding="utf-8")
        interpreter = ("--python", str(self.environment.python))
        self.tell(f"resolving what {self.name} requires")
        self._uv("resolve", "lock", *interpreter)
        export = ("export", "--frozen", "--no-header", "--no-annotate", "--format", "requirements-txt")
        pinned = self._uv("resolve", *export, *interpreter)
        (self.folder / "requirements.txt").write_text(pinned, encoding="utf-8")
        self.tell(f"installing what {self.name} requires")
        self._uv("install", "sync", "--frozen", *interpreter)

    def _uv(self, phase: Phase, *arguments: str) -> str:
        verb = {"resolve": "cannot resolve what", "install": "cannot install what"}[phase]
        from groundup.projects.uv import run_uv

        what = f"{verb} {self.name} requires"
        return run_uv(*arguments, folder=self.folder, environ=self.environ, phase=phase, what=what)

    def _python_request(self) -> str:
        """Return the interpreter that groundup itself runs on where it fits, else what uv has to find."""
        from packaging.specifiers import SpecifierSet

        declared = self.spec.requires_python
        own = ".".join(str(part) for part in sys.version_info[:3])
        if declared is None or SpecifierSet(declared.text).contains(own, prereleases=True):
            return _own_python()
        return declared.text

    def _pyproject(self) -> str:
        import tomli_w

        declared = self.spec.requires_python
        oldest = f">={sys.version_info[0]}.{sys.version_info[1]}"
        requirements = dict.fromkeys(one.text for one in self.spec.requirements)
        document: dict[str, Any] = {
            "project": {
                # Not the plain id: a script is often named like the one thing that it requires.
                "name": "groundup-script",
                "version": "0",
                "requires-python": declared.text if declared else oldest,
                "dependencies": list(requirements),
            },
            # A workspace of its own: folders above are not looked at.
            "tool": {"uv": {**self.spec.uv, "package": False, "managed": True, "workspace": {}}},
        }
        return tomli_w.dumps(document)


def _own_python() -> str:
    if not sys.executable:
        raise GroundupError("Python does not know its own executable", hint="start it by its full path")
    return sys.executable
