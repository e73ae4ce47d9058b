"""The entries of the repository's ``.gitignore``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundup.config import Config
from groundup.dag import state
from groundup.errors import GroundupError

if TYPE_CHECKING:
    from groundup.states.parameters import GitignoreEntries

FILE = ".gitignore"


@state(params="groundup.states.parameters:GitignoreEntries")
def gitignore_entries(config: Config, params: GitignoreEntries) -> str:
    """The repository's .gitignore has what groundup writes there, and what the parameters name.

    Missing entries are added under one comment; nothing else in the file changes.
    """
    from groundup.config.gitignore import extend_gitignore

    added = extend_gitignore(config.root / FILE, _entries(config, params))
    return f"added {', '.join(added)}" if added else "has all entries"


@gitignore_entries.satisfied
def _(config: Config, params: GitignoreEntries) -> bool:
    from groundup.config.gitignore import missing_entries, read_gitignore

    try:
        return not missing_entries(read_gitignore(config.root / FILE), _entries(config, params))
    except GroundupError:
        return False  # the state itself tells it


def _entries(config: Config, params: GitignoreEntries) -> list[str]:
    from groundup.config.gitignore import ignored_entries

    return [*ignored_entries(config.root, config.venv), *params.entries]
