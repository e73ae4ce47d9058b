"""Projects: scripts with a locked environment of their own, in ``<data folder>/projects/<id>``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from groundup.errors import GroundupError, UserError
from groundup.projects.environment import Environment, EnvironmentBuilder, Progress
from groundup.projects.home import data_folder
from groundup.projects.ids import check_id, id_from_stem, is_id
from groundup.projects.requirements import EnvironmentSpec, Overrides, environment_spec
from groundup.projects.script import Script, read_script
from groundup.projects.store import Store


@dataclass(frozen=True)
class Project:
    """A project that is complete: ``.venv main.py pyproject.toml uv.lock requirements.txt`` under `path`."""

    id: str
    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def script(self) -> Path:
        """The script, byte for byte as it was given."""
        return self.path / "main.py"

    @property
    def environment(self) -> Environment:
        """The locked environment."""
        return Environment(self.path)

    @property
    def python(self) -> Path:
        """The interpreter of the project's virtual environment."""
        return self.environment.python

    @property
    def requirements(self) -> tuple[str, ...]:
        """The direct requirements, as they were written; raises GroundupError when it is damaged."""
        import tomllib

        try:
            document = tomllib.loads((self.path / "pyproject.toml").read_text(encoding="utf-8"))
            return tuple(document["project"]["dependencies"])
        except (OSError, ValueError, KeyError) as error:
            raise self._damaged(error) from error

    @property
    def packages(self) -> dict[str, str]:
        """The distributions that are installed, with their versions, by name."""
        from importlib.metadata import distributions

        folders = [str(folder) for folder in self.environment.venv.glob("lib*/python*/site-packages")]
        found = {one.metadata["Name"]: one.version for one in distributions(path=folders)}
        return dict(sorted(found.items(), key=lambda item: item[0].lower()))

    @property
    def python_version(self) -> str:
        """The version of its Python, such as ``3.12.4``; raises GroundupError when it is damaged."""
        try:
            text = (self.environment.venv / "pyvenv.cfg").read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise self._damaged(error) from error
        pairs = (line.partition("=") for line in text.splitlines())
        return next((value.strip() for key, _, value in pairs if key.strip() == "version_info"), "")

    def _damaged(self, error: Exception) -> GroundupError:
        return GroundupError(
            f"project {self.id!r} is damaged: {error}",
            hint="create it again with force=True (--force), or remove it",
        )


def create_project(  # noqa: PLR0913 - what can be said of a project
    script: str | os.PathLike[str] | bytes,
    *,
    id: str | None = None,  # noqa: A002 - the name that users know
    requirements: Sequence[str] | bool | None = None,
    dependency_overrides: Overrides | None = None,
    force: bool = False,
    on_progress: Progress = lambda _: None,
) -> Project:
    """Make a project from a script: resolve, lock, install.

    :param script: the path of a file, or source code as bytes (which needs an `id`).
    :param id: ``[a-z0-9][a-z0-9._-]{0,63}``; by default the file's stem, lower-cased, others to ``-``.
    :param requirements: requirements besides those of the script's PEP 723 block; True: what it imports.
    :param dependency_overrides: what a person decided about imports, by module: a requirement, specifiers
        alone, or an empty text for nothing.
    :param force: replace a project of that id; it stays untouched until the new one is complete.
    :param on_progress: called with what is about to be done, which may take long.
    :raises UserError: for a bad script, id or requirement, and for an id that is taken.
    :raises ProvisioningError: when uv cannot resolve or install; nothing is left behind.
    """
    source = read_script(script)
    project_id = _choose_id(source, id)
    spec = environment_spec(source, requirements, dependency_overrides)
    store = project_store()
    waiting = partial(on_progress, f"waiting for another process that changes project {project_id!r}")
    with store.locked(project_id, on_wait=waiting):
        _check_free(store, project_id, force)
        with store.staged(project_id) as folder:
            _build(folder, source, spec, project_id, on_progress)
    return Project(project_id, store.root / project_id)


def get_project(project_id: str) -> Project:
    """Return a project; raise UserError when there is none of that id."""
    store = project_store()
    path = store.find(check_id(project_id))
    if path is None:
        import difflib

        near = difflib.get_close_matches(project_id, store.names(), 1)
        raise UserError(
            f"there is no project {project_id!r} in {store.root}",
            hint=f"did you mean {near[0]!r}?" if near else "create it: create_project(script, id=…)",
        )
    return Project(project_id, path)


def list_projects() -> list[Project]:
    """Return all projects, sorted by id."""
    store = project_store()
    return [Project(name, store.root / name) for name in store.names() if is_id(name)]


def remove_project(project_id: str) -> None:
    """Remove a project with its environment; raise UserError when there is none of that id."""
    get_project(project_id)
    store = project_store()
    with store.locked(project_id):
        if store.find(project_id):
            store.remove(project_id)


def project_store() -> Store:
    """Return the store of projects."""
    return Store(data_folder() / "projects")


def _choose_id(script: Script, explicit: str | None) -> str:
    if explicit is not None:
        return check_id(explicit)
    if script.path is None:
        raise UserError("a script that is in no file has no name", hint="give one: id='name' (--id NAME)")
    return id_from_stem(script.path.stem)


def _check_free(store: Store, project_id: str, force: bool) -> None:
    if store.find(project_id) and not force:
        raise UserError(
            f"there is a project {project_id!r} already: {store.root / project_id}",
            hint="replace it with force=True (--force), or give another id",
        )


def _build(
    folder: Path, script: Script, spec: EnvironmentSpec, project_id: str, on_progress: Progress
) -> None:
    (folder / "main.py").write_bytes(script.content)
    builder = EnvironmentBuilder(folder, spec, f"project {project_id!r}", on_progress)
    builder.build(lambda python: _check_syntax(python, folder / "main.py", script.name))


# Run by the project's own Python: another version has another grammar.
_COMPILE = """\
import sys
try:
    with open(sys.argv[1], "rb") as file:
        compile(file.read(), sys.argv[2], "exec", dont_inherit=True)
except Exception as error:
    line = getattr(error, "lineno", None) or 1
    words = getattr(error, "msg", None) or str(error) or repr(error)
    sys.stderr.write("%s:%s: %s" % (sys.argv[2], line, words))
    sys.exit(3)
"""


def _check_syntax(python: Path, file: Path, name: str) -> None:
    done = subprocess.run(
        [python, "-I", "-S", "-W", "ignore", "-X", "utf8", "-c", _COMPILE, file, name],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == 3:
        raise UserError(done.stderr.strip(), hint="correct the script; nothing was created or replaced")
    if done.returncode:
        raise GroundupError(
            f"{python} does not work: exit code {done.returncode}: {done.stderr.strip()}",
            hint="check the installation of that Python",
        )
