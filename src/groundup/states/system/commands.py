"""Commands on PATH, and what they say of their version."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from groundup.errors import GroundupError

if TYPE_CHECKING:
    from groundup.states.parameters import Command

SECONDS = 20
PRERELEASE = r"(?:[-_.]?(?:alpha|beta|a|b|rc|pre|dev)[-_.]?\d+(?!\w))?"
DOTTED = re.compile(rf"(?<![\d.])\d+(?:\.\d+)+{PRERELEASE}", re.ASCII)
WHOLE = re.compile(r"(?<![\w.-])\d+(?![\w-])", re.ASCII)  # as `less 590` says it


class CommandsError(GroundupError):
    """Commands are missing, or not new enough."""


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What was found of a command instead of what is needed."""

    text: str
    hint: str


def check_commands(commands: Sequence[Command], folder: Path) -> list[str]:
    """Return what was found of each of `commands`, which may run in `folder` for it.

    :raises CommandsError: some are missing or too old; tells of each what was found and what to do.
    """
    checked = [_checked(command, folder) for command in commands]
    wrong = [each for each in checked if isinstance(each, _Wrong)]
    if len(wrong) == 1:
        raise CommandsError(wrong[0].text, hint=wrong[0].hint)
    if wrong:
        told = "".join(f"\n{each.text}: {each.hint}" for each in wrong)
        raise CommandsError(
            f"{len(wrong)} of {len(commands)} commands are not as needed:{told}", hint="then check again"
        )
    return [each for each in checked if isinstance(each, str)]


def version_in(text: str) -> Version | None:
    """Return the version that a command prints; None where there is none.

    The first number with dots is taken, else the first number. A letter after it, as in 3.3a, is left out.
    """
    found = DOTTED.search(text) or WHOLE.search(text)
    return Version(found[0]) if found else None


def _checked(command: Command, folder: Path) -> str | _Wrong:
    hint = command.hint or f"install {command.name}, or correct PATH"
    program = shutil.which(command.name)
    if program is None:
        needed = f", and {command.min_version} or newer is needed" if command.min_version else ""
        return _Wrong(f"{command.name} is not on PATH{needed}", hint)
    if command.min_version is None:
        return f"{command.name} ({program})"
    try:
        version = _version(command, program, folder)
    except GroundupError as error:
        return _Wrong(str(error), command.hint or error.hint)
    if version < Version(command.min_version):
        return _Wrong(
            f"{command.name} {version} is {program}, and {command.min_version} or newer is needed",
            command.hint or f"update {command.name}",
        )
    return f"{command.name} {version} ({program})"


def _version(command: Command, program: str, folder: Path) -> Version:
    """Return the version of a program.

    :raises GroundupError: it does not tell.
    """
    asked, hint = " ".join([program, *command.version_args]), "set version_args of this command"
    try:
        done = subprocess.run(
            [program, *command.version_args],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GroundupError(f"{asked} did not end in {SECONDS} s", hint=hint) from None
    except OSError as error:
        raise GroundupError(f"{asked} cannot be executed: {error.strerror}", hint=hint) from error
    first = done.stdout.strip().partition("\n")[0]
    if done.returncode:
        raise GroundupError(f"{asked} failed with exit {done.returncode}: {first}", hint=hint)
    version = version_in(done.stdout)
    if version is None:
        raise GroundupError(f"{asked} names no version: {first}", hint=hint)
    return version
