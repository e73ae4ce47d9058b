"""Git's hooks: the repository's own files, and what prek or pre-commit install."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from groundup.dag import state
from groundup.errors import GroundupError, UserError

if TYPE_CHECKING:
    from groundup.states.hooks.installation import Installation
    from groundup.states.parameters import GitHooks


class HookReport(NamedTuple):
    """The hooks that git runs.

    :ivar folder: where they are, from the top of the working tree.
    :ivar copied: names of those that are copies of the repository's files.
    :ivar managed: names of those that run what the configuration says.
    :ivar manager: who installed them: ``prek``, ``pre-commit``, or empty.
    :ivar note: why there are none.
    """

    folder: str = ""
    copied: tuple[str, ...] = ()
    managed: tuple[str, ...] = ()
    manager: str = ""
    note: str = ""

    def __str__(self) -> str:
        managed = [f"{', '.join(self.managed)} by {self.manager}"] if self.managed else []
        return self.note or f"{', '.join([*self.copied, *managed])} in {self.folder}"


@state(inputs=["hooks/*", ".pre-commit-config.yaml"], params="groundup.states.parameters:GitHooks")
def git_hooks(repo_root: Path, ready: Path, params: GitHooks) -> HookReport:
    """Git runs the repository's hooks: its own files, and what prek or pre-commit install.

    Files in `hooks/` that have the form of a hook's name are copied to where git looks for hooks. Where there
    is a `.pre-commit-config.yaml`, prek or pre-commit install theirs. A hook that was put there by others is
    never replaced. Without a git repository there is nothing to do.
    """
    from groundup.states.hooks.repository import NoRepositoryError

    try:
        wanted = _wanted(repo_root, ready, params)
    except NoRepositoryError as reason:
        return HookReport(note=str(reason))
    if not wanted.is_in_place():
        wanted.install()
    folder = wanted.repository.name(wanted.repository.hooks)
    if not wanted:
        is_own = wanted.repository.runs(repo_root / params.folder)
        return HookReport(
            folder, note=f"git runs {folder}/ itself" if is_own else f"no hooks in {params.folder}/"
        )
    manager = wanted.manager.name if wanted.manager else ""
    return HookReport(folder, tuple(wanted.copied), tuple(wanted.managed), manager)


@git_hooks.satisfied
def _(repo_root: Path, ready: Path, params: GitHooks) -> bool:
    try:
        wanted = _wanted(repo_root, ready, params)
    except GroundupError:
        return False  # the state itself tells it
    return bool(wanted) and wanted.is_in_place()


def _wanted(root: Path, venv: Path, params: GitHooks) -> Installation:
    """Return the hooks that the repository around `root` is to have.

    :raises NoRepositoryError: there is none.
    :raises UserError: the configuration names what is not there.
    """
    from groundup.states.hooks.installation import Installation
    from groundup.states.hooks.managers import find_manager
    from groundup.states.hooks.plain import plain_hooks
    from groundup.states.hooks.repository import Repository

    repository, folder = Repository.around(root), root / params.folder
    if "folder" in params.model_fields_set and not folder.is_dir():
        raise UserError(
            f"git_hooks.folder is {params.folder}, but there is no {folder}", hint="make the folder"
        )
    copied = {} if repository.runs(folder) else plain_hooks(folder)
    return Installation(repository, copied, find_manager(root, venv, params.manager))
