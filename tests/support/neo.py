"""A repository whose environment has this checkout's groundup in it, made by the kernel."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomli_w

from tests.support.process import clean_env, run, run_kernel
from tests.support.repositories import copy_kernel, write

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLES = Path("docs/examples")


@dataclass(frozen=True)
class Neo:
    """A booted repository: its folder, its environment's folder of programs, its user's variables."""

    repo: Path
    env: Mapping[str, str]

    @property
    def bin(self) -> Path:
        """Folder of the environment's programs."""
        return self.repo / ".venv/bin"

    def module(self, *words: str) -> list[str]:
        """Return the command `python -I -m groundup words…`, as the kernel runs it."""
        return [str(self.bin / "python"), "-I", "-m", "groundup", *words]

    def script(self, *words: str) -> list[str]:
        """Return the command `groundup words…`, the console script."""
        return [str(self.bin / "groundup"), *words]

    def python(self, code: str) -> list[str]:
        """Return the command `python -I -c code`."""
        return [str(self.bin / "python"), "-I", "-c", code]

    def run(
        self,
        command: list[str],
        *,
        cwd: Path | None = None,
        check: bool = False,
        variables: Mapping[str, str | None] = MappingProxyType({}),
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as the repository's user; `variables` are set on top, None removes one."""
        env = {name: value for name, value in {**self.env, **variables}.items() if value is not None}
        return run(command, env=env, cwd=cwd or self.repo, check=check)


def neo_repository(
    folder: Path,
    *,
    files: Mapping[str, str] = MappingProxyType({}),
    projects: Sequence[str] = (),
    neo: Mapping[str, Any] = MappingProxyType({}),
) -> Neo:
    """Make a repository that has this checkout's groundup, all extras, and its examples; boot it.

    :param files: what else is in it, by path.
    :param projects: folders of further projects among `files`.
    :param neo: the table of the neo runtime in its configuration.
    """
    repo = folder / "repo"
    copy_kernel(repo)
    for name, text in files.items():
        write(repo, name, text)
    own = {"path": str(CHECKOUT), "editable": True, "extras": ["all"], "groups": []}
    configuration: dict[str, Any] = {"projects": [own, *({"path": project} for project in projects)]}
    configuration |= {"neo": dict(neo)} if neo else {}
    write(repo, "groundup.toml", tomli_w.dumps(configuration))
    shutil.copytree(CHECKOUT / EXAMPLES, repo / EXAMPLES)
    env = clean_env(folder / "home")
    run_kernel(repo, "boot", env=env, check=True)
    return Neo(repo, env)
