"""Checks of the machine and of the repository. ``doctor`` needs them all; they change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundup.config import Config
from groundup.dag import AnyState, StateGraph, state

if TYPE_CHECKING:
    from groundup.states.parameters import DiskSpace, SystemChecks

DOCTOR = "doctor"
PREFIX = "check_"


def checks(graph: StateGraph) -> list[AnyState]:
    """Return all checks of a graph: the parents of ``doctor``, and every state named ``check_…``.

    A check that finds something wrong fails, with a hint. One that has mere advice gives a value that has a
    text `hint`, empty where there is none.
    """
    named = (each.name for each in graph if each.name.startswith(PREFIX) and each.name.isidentifier())
    doctors = [DOCTOR] if DOCTOR in graph else []
    wanted: list[str] = []
    for doctor in doctors:  # grows: one that replaces another may need that one
        for name in graph.parents(doctor):
            (doctors if name.startswith(f"{DOCTOR}.") else wanted).append(name)
    return [graph[name] for name in dict.fromkeys((*wanted, *named))]


@state(needs=["kernel_current", "check_git", "check_disk_space", "system_checks"])
def doctor() -> str:
    """This machine and this repository have passed all checks."""
    return "all checks passed"


@state(params="groundup.states.parameters:SystemChecks")
def system_checks(config: Config, params: SystemChecks) -> str:
    """The commands that the configuration names are on PATH, each in a version that is new enough."""
    from groundup.states.system.commands import check_commands

    return "\n".join(check_commands(params.commands, config.root)) or "no commands are configured"


@state(params="groundup.states.parameters:DiskSpace")
def check_disk_space(config: Config, params: DiskSpace) -> str:
    """Enough space is free where environments are built and where groundup keeps its cache."""
    from groundup.projects.home import cache_folder
    from groundup.states.system.disk import check_free

    return "\n".join(check_free([config.root, cache_folder()], params.min_free_mb))


@state
def check_git(config: Config) -> str:
    """Where there is a git repository, git is installed and can work with it."""
    from groundup.errors import GroundupError
    from groundup.states.hooks.repository import NoRepositoryError, run_git

    try:
        return run_git(config.root, "rev-parse", "--show-toplevel").strip()
    except NoRepositoryError as reason:
        found = [folder for folder in (config.root, *config.root.parents) if (folder / ".git").exists()]
        if found:
            raise GroundupError(
                f"{found[0]} is a git repository, and {reason}", hint="install git, or correct PATH"
            ) from None
        return str(reason)
