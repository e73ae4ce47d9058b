"""The git repository around a folder, as git itself describes it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from groundup.errors import GroundupError, UserError

NO_REPOSITORY = "not a git repository (or any "  # of git's message when there is none around
# With these, git would look at the repository that it runs a hook for, not at the one around the folder.
PLACES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
)
SHARED_SCOPES = ("system", "global")


class NoRepositoryError(GroundupError):
    """There is nothing that could run hooks."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with a working tree.

    :ivar top: top folder of the working tree.
    :ivar common: git's own folder, which all working trees of the repository share.
    :ivar hooks: folder from which git runs hooks, as ``core.hooksPath`` and the kind of repository have it;
        it need not exist.
    """

    top: Path
    common: Path
    hooks: Path

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """Return the repository whose working tree `folder` belongs to.

        :raises NoRepositoryError: it belongs to none, or git is not installed.
        :raises UserError: git runs the hooks of all repositories of this user or machine from one folder.
        :raises GroundupError: git cannot tell.
        """
        asked = ("--show-toplevel", "--git-common-dir", "--git-path", "hooks")
        answers = run_git(folder, "rev-parse", *asked).splitlines()
        top, common, hooks = (Path(os.path.normpath(folder / answer)) for answer in answers)
        if folder.resolve() != top and _is_ignored(folder):
            raise NoRepositoryError(f"{folder} is ignored by the git repository {top}")
        repository = cls(top, common, hooks)
        repository._refuse_shared_hooks()
        return repository

    def name(self, path: Path) -> str:
        """Return `path` as a person inside the repository would write it."""
        return path.relative_to(self.top).as_posix() if path.is_relative_to(self.top) else str(path)

    def runs(self, folder: Path) -> bool:
        """Return whether `folder` is the one from which git runs hooks."""
        return folder.resolve() == self.hooks.resolve()

    def _refuse_shared_hooks(self) -> None:
        hooks = self.hooks.resolve()
        if hooks.is_relative_to(self.top.resolve()) or hooks.is_relative_to(self.common.resolve()):
            return
        scope, _, value = run_git(self.top, "config", "--show-scope", "--get", "core.hooksPath").partition(
            "\t"
        )
        if scope in SHARED_SCOPES:
            own = f"git -C {self.top} config core.hooksPath {self.common / 'hooks'}"
            raise UserError(
                f"core.hooksPath is {value.strip()} for all repositories ({scope} configuration of git)",
                hint=f"let this one have a folder of its own: {own}",
            )


def run_git(folder: Path, *words: str) -> str:
    """Run git in `folder` and return its stdout.

    :raises NoRepositoryError: `folder` is in no repository, or there is no git.
    :raises GroundupError: git fails.
    """
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            env={**without_places(os.environ), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise NoRepositoryError("git is not installed") from error
    told = os.fsdecode(done.stderr)
    if NO_REPOSITORY in told:
        raise NoRepositoryError(f"no git repository at {folder}")
    if done.returncode:
        raise GroundupError(
            f"git {words[0]} failed in {folder}: {main_line(told) or f'exit {done.returncode}'}",
            hint=f"`git -C {folder} status` may say more",
        )
    return os.fsdecode(done.stdout)


def main_line(text: str) -> str:
    """Return the line of a failed program's output that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next(
        (line for line in lines if re.match(r"\W*(fatal|error)\b", line, re.IGNORECASE)), (lines or [""])[-1]
    )


def without_places(environ: Mapping[str, str]) -> dict[str, str]:
    """Return variables without those by which git finds another repository than the one around a folder."""
    return {name: value for name, value in environ.items() if name not in PLACES}


def _is_ignored(folder: Path) -> bool:
    try:
        run_git(folder, "check-ignore", "--quiet", ".")
    except GroundupError:
        return False
    return True
