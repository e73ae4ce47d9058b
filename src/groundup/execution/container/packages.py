"""What code in a container imports: put together on this machine by uv, for the Python of the image.

::

    <cache>/containers/packages/<key>/requirements.txt   what was installed, with hashes
                                      environment/       a virtual environment of the image's Python

The image needs neither uv nor a network. A folder is made for requirements and platform, and never changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.errors import UserError
from groundup.execution.container.platforms import Facts
from groundup.projects.errors import Phase
from groundup.projects.home import cache_folder
from groundup.projects.metadata import Declared
from groundup.projects.project import Project
from groundup.projects.requirements import EnvironmentSpec
from groundup.projects.store import Store

ENVIRONMENT = "/environment"  # where it is in a container
_FORMAT = 1  # counts what is made of the same parts


def package_store() -> Store:
    """Return the store of what was provisioned for containers, in the user's cache."""
    return Store(cache_folder() / "containers" / "packages")


@dataclass(frozen=True)
class Wanted:
    """What is to be provisioned.

    :param parts: what identifies the requirements, beside the platform.
    :param pinned: text of a requirements.txt with hashes; None where it is still to be resolved.
    :param pyproject: the project whose requirements are resolved, or whose settings uv is to use.
    :param own_index: whether these settings name an index.
    """

    parts: Any
    pinned: str | None
    pyproject: str
    own_index: bool

    @classmethod
    def of_project(cls, project: Project, facts: Facts) -> Wanted:
        """Return what a project has locked.

        :raises UserError: it is locked for other versions of Python.
        """
        import tomllib

        pinned = (project.path / "requirements.txt").read_text(encoding="utf-8")
        pyproject = (project.path / "pyproject.toml").read_text(encoding="utf-8")
        document = tomllib.loads(pyproject)
        supported = document["project"].get("requires-python", "")
        _check_python(Declared(supported, f"project {project.id!r}"), facts)
        return cls(pinned, pinned, pyproject, _names_index(document.get("tool", {}).get("uv", {})))

    @classmethod
    def of_spec(cls, spec: EnvironmentSpec, facts: Facts) -> Wanted:
        """Return what a script requires.

        :raises UserError: a requirement is malformed, or the image's Python is not one that it is for.
        """
        spec.check()
        if spec.requires_python:
            _check_python(spec.requires_python, facts)
        parts = [sorted({one.text for one in spec.requirements}), spec.uv]
        pinned = None if spec.requirements else ""
        return cls(parts, pinned, _pyproject(spec, facts), _names_index(spec.uv))

    def key(self, facts: Facts) -> str:
        """Return a name that is the same for equal contents."""
        identity = [_FORMAT, self.parts, facts.platform, facts.python, facts.executable]
        text = json.dumps(identity, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@contextmanager
def provisioned(wanted: Wanted, facts: Facts, name: str) -> Iterator[Path]:
    """Give the folder of an environment; made now where there is none. In the block it is not removed.

    :param name: whose requirements they are, for messages.
    :raises ProvisioningError: with uv's words.
    """
    store, key = package_store(), wanted.key(facts)
    if store.find(key) is None:
        _make(store, key, wanted, facts, name)
    with store.using(key) as folder:
        if folder is None:  # it was removed in between
            _make(store, key, wanted, facts, name)
        yield store.root / key / "environment"


def _make(store: Store, key: str, wanted: Wanted, facts: Facts, name: str) -> None:
    with store.locked(key):
        if store.find(key) is None:
            with store.staged(key) as folder:
                _Maker(folder, wanted, facts, name).make()


class _Maker:
    """The steps from requirements to an environment, in an empty folder."""

    def __init__(self, folder: Path, wanted: Wanted, facts: Facts, name: str) -> None:
        self.folder, self.wanted, self.facts, self.name = folder, wanted, facts, name
        self.environment = folder / "environment"
        self.packages = self.environment / "lib" / f"python{facts.python}" / "site-packages"
        self.bin = self.environment / "bin"

    def make(self) -> None:
        """Resolve, install, and make it a virtual environment."""
        self.packages.mkdir(parents=True)
        (self.folder / "pyproject.toml").write_text(self.wanted.pyproject, encoding="utf-8")
        pinned = self.wanted.pinned if self.wanted.pinned is not None else self._resolved()
        (self.folder / "requirements.txt").write_text(pinned, encoding="utf-8")
        if pinned.strip():
            arguments = (
                "pip",
                "install",
                "--target",
                str(self.packages),
                "--requirements",
                "requirements.txt",
            )
            self._uv("install", *arguments, "--no-deps")
        self._make_venv()
        _make_readable(self.environment)

    def _resolved(self) -> str:
        arguments = ("pip", "compile", "--generate-hashes", "--no-header", "--no-annotate", "pyproject.toml")
        return self._uv("resolve", *arguments)

    def _uv(self, phase: Phase, *arguments: str) -> str:
        from groundup.projects.uv import run_uv, uv_environment

        platform = ("--python-version", self.facts.python, "--python-platform", self.facts.platform)
        return run_uv(
            *arguments,
            *("--python", sys.executable, *platform, "--only-binary", ":all:"),
            folder=self.folder,
            environ=uv_environment(os.environ, own_index=self.wanted.own_index),
            phase=phase,
            what=f"cannot {phase} for {self.facts.platform} what {self.name} requires",
        )

    def _make_venv(self) -> None:
        commands = self.packages / "bin"
        if commands.is_dir():
            commands.rename(self.bin)
        self.bin.mkdir(exist_ok=True)
        for command in self.bin.iterdir():
            _correct_interpreter(command)
        for name in ("python", "python3", f"python{self.facts.python}"):
            (self.bin / name).unlink(missing_ok=True)
            (self.bin / name).symlink_to(self.facts.executable)
        home = self.facts.executable.rpartition("/")[0]
        settings = (
            f"home = {home}\ninclude-system-site-packages = false\nversion = {self.facts.full_version}\n"
        )
        (self.environment / "pyvenv.cfg").write_text(settings, encoding="utf-8")


def _names_index(settings: Mapping[str, Any]) -> bool:
    return not {"index", "index-url", "no-index"}.isdisjoint(settings)


def _check_python(declared: Declared, facts: Facts) -> None:
    from packaging.specifiers import SpecifierSet

    if not SpecifierSet(declared.text).contains(facts.full_version, prereleases=True):
        raise UserError(
            f"{declared.place}: it is for Python {declared.text}, the image has {facts.full_version}",
            hint="choose an image that has it: python_tag='3.12-slim', or image='…'",
        )


def _pyproject(spec: EnvironmentSpec, facts: Facts) -> str:
    import tomli_w

    project = {
        "name": "groundup-script",  # not the plain id: a script is often named like the one thing it requires
        "version": "0",
        "requires-python": f">={facts.python}",
        "dependencies": list(dict.fromkeys(one.text for one in spec.requirements)),
    }
    return tomli_w.dumps({"project": project, "tool": {"uv": {**spec.uv, "workspace": {}}}})


def _correct_interpreter(command: Path) -> None:
    """Let a command that was made for the Python that ran uv be run by that of the container."""
    content = command.read_bytes()
    ours, theirs = os.fsencode(sys.executable), f"{ENVIRONMENT}/bin/python".encode()
    head, rest = content[:1024], content[1024:]
    if head.startswith(b"#!") and ours in head:
        mode = command.stat().st_mode
        command.unlink()  # it may be a hard link into the cache of uv
        command.write_bytes(head.replace(ours, theirs) + rest)
        command.chmod(mode)


def _make_readable(folder: Path) -> None:
    """Let the user of a container read what this one's umask would not."""
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        readable = mode | 0o444 | (0o111 if mode & 0o100 else 0)
        if mode != readable:
            path.chmod(readable)
