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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from groundup.projects.uv import UvRun

Progress = Callable[[str], None]

# The folder is renamed when it is complete. For `uv sync`, what `uv venv` has as an option is a preview.
_PREVIEWS, _RELOCATABLE = "UV_PREVIEW_FEATURES", "relocatable-envs-default"


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

    @property
    def is_relocatable(self) -> bool:
        """Whether the virtual environment's commands find their interpreter wherever it is moved."""
        return "relocatable = true\n" in (self.venv / "pyvenv.cfg").read_text(encoding="utf-8")


def build_environment(folder: Path, spec: EnvironmentSpec, name: str) -> Environment:
    """Lock and install `spec` in `folder`, which exists; `name` says in messages for whom.

    Raises UserError for a malformed requirement, ProvisioningError with uv's words.
    """
    builder = EnvironmentBuilder(folder, spec, name)
    builder.build()
    return builder.environment


class EnvironmentBuilder:
    """What makes an environment of a specification; what can be done at the same time, is."""

    def __init__(
        self, folder: Path, spec: EnvironmentSpec, name: str, on_progress: Progress = lambda _: None
    ) -> None:
        from groundup.projects.uv import find_uv, uv_environment

        spec.check()
        self.folder, self.spec, self.name, self.tell = folder, spec, name, on_progress
        self.environment = Environment(folder)
        self.uv = find_uv()
        own_index = not {"index", "index-url", "no-index"}.isdisjoint(spec.uv)
        environ = uv_environment(os.environ, own_index=own_index)
        previews = ",".join(filter(None, [environ.get(_PREVIEWS), _RELOCATABLE]))
        self.environ = {**environ, _PREVIEWS: previews}

    def build(self, check: Callable[[Path], None] = lambda _: None) -> None:
        """Write ``uv.lock`` and ``requirements.txt``, then make the virtual environment and install.

        :param check: called with an interpreter of the environment's version while versions are resolved.
        """
        (self.folder / "pyproject.toml").write_text(self._pyproject(), encoding="utf-8")
        self.tell(f"resolving what {self.name} requires")
        request = self._python_request()
        # Without a lock it makes one.
        export = ("export", "--python", request, "--no-header", "--no-annotate")
        with self._uv("resolve", *export, "--format", "requirements-txt") as exported:
            check(self._interpreter(request))
            (self.folder / "requirements.txt").write_text(exported.result(), encoding="utf-8")
        self.tell(f"installing what {self.name} requires")
        self._install()

    def _interpreter(self, request: str) -> Path:
        """Return the interpreter that was asked for; one that has yet to be found makes the environment."""
        if request == _own_python():
            return Path(request)
        self._make_venv(request)
        return self.environment.python

    def _install(self) -> None:
        """Install what is locked into the environment, which is made with it where there is none."""
        self._sync()
        if not self.environment.is_relocatable:  # an uv that has another name for this
            import shutil

            shutil.rmtree(self.environment.venv)
            self._make_venv(_own_python())
            self._sync()

    def _sync(self) -> None:
        found = self.environment.works()
        python = str(self.environment.python) if found else _own_python()
        with self._uv("install", "sync", "--frozen", "--python", python) as sync:
            sync.result()

    def _make_venv(self, request: str) -> None:
        empty = ("venv", "--relocatable", "--no-project", "--python", request, ".venv")
        with self._uv("resolve", *empty) as venv:
            venv.result()

    def _uv(self, phase: Phase, *arguments: str) -> UvRun:
        from groundup.projects.uv import UvRun

        verb = {"resolve": "cannot resolve what", "install": "cannot install what"}[phase]
        what = f"{verb} {self.name} requires"
        return UvRun(
            *arguments,
            folder=self.folder,
            environ=self.environ,
            phase=phase,
            what=what,
            uv=self.uv,
            own_settings=bool(self.spec.uv) and phase == "resolve",
        )

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
