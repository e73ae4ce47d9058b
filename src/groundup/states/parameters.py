"""Models of the parameters of built-in states. Importing this imports pydantic: states name them by text."""

from __future__ import annotations

from typing import Annotated, Literal

from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n]*$")]


class Parameters(BaseModel):
    """Parameters of a state; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class GitHooks(Parameters):
    """Parameters of ``git_hooks``.

    :ivar folder: the repository's hooks, relative to root.
    :ivar manager: who installs what ``.pre-commit-config.yaml`` says; ``copy``: nobody. Default: prek, else
        pre-commit, where that file is.
    """

    folder: Text = "hooks"
    manager: Literal["prek", "pre-commit", "copy"] | None = None


class GitignoreEntries(Parameters):
    """Parameters of ``gitignore_entries``.

    :ivar entries: lines that .gitignore has besides those that groundup needs.
    """

    entries: list[Text] = []


def _checked_version(text: str) -> str:
    try:
        Version(text)
    except InvalidVersion:
        raise ValueError("not a version, such as 2.30") from None
    return text


class Command(Parameters):
    """A command that is to be on PATH.

    :ivar min_version: the oldest version that will do; empty for any.
    :ivar version_args: what makes the command print its version.
    :ivar hint: what a person does to have it.
    """

    name: Text
    min_version: Annotated[str, AfterValidator(_checked_version)] | None = None
    version_args: list[str] = ["--version"]
    hint: str = ""


class SystemChecks(Parameters):
    """Parameters of ``system_checks``.

    :ivar commands: commands that are to be on PATH.
    """

    commands: list[Command] = []


class DiskSpace(Parameters):
    """Parameters of ``check_disk_space``.

    :ivar min_free_mb: megabytes that are to be free.
    """

    min_free_mb: Annotated[int, Field(ge=0)] = 500
