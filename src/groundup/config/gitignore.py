"""Entries of ``.gitignore``: those that groundup needs, added where they are missing."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from pathlib import Path

from groundup.config.files import write_whole
from groundup.errors import GroundupError

COMMENT = "# environments, and what groundup keeps beside them"
BESIDE = ("/", ".lock", ".old/", ".auth/", ".tmp/")  # an environment's folder, and what stands beside it
OWN = ".groundup/"
VENV = ".venv"
IGNORED = (*(VENV + ending for ending in BESIDE), OWN)


def ignored_entries(root: Path, venv: Path) -> tuple[str, ...]:
    """Return the entries for what groundup writes in a repository.

    :param venv: the environment's folder. What is called ``.venv`` is ignored in all folders.
    """
    if not venv.is_relative_to(root):
        return (OWN,)
    name = VENV if venv.name == VENV else f"/{venv.relative_to(root).as_posix()}"
    return (*(name + ending for ending in BESIDE), OWN)


def missing_entries(text: str, entries: Iterable[str]) -> list[str]:
    """Return those of `entries` that no line of a .gitignore has, each once, in their order.

    A line without the final slash has it too, and so has one with ``!`` before it: that was decided.
    """
    there = {line.rstrip().removesuffix("/") for line in text.splitlines()}
    there |= {line.removeprefix("!") for line in there}
    return [entry for entry in dict.fromkeys(entries) if entry.removesuffix("/") not in there]


def with_entries(text: str, entries: Iterable[str]) -> str:
    """Return the content of a .gitignore that has all `entries`.

    The missing ones stand under one comment, at the end or where an earlier call put it; everything else
    stays as it is. New lines end like the others.
    """
    missing = missing_entries(text, entries)
    if not missing:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    added = "".join(f"{entry}{newline}" for entry in missing)
    whole = text if not text or text.endswith("\n") else text + newline
    block = re.search(rf"^{re.escape(COMMENT)}\r?\n(?:[^#\r\n][^\r\n]*\r?\n)*", whole, re.MULTILINE)
    if block is None:
        return f"{whole}{COMMENT}{newline}{added}"
    return whole[: block.end()] + added + whole[block.end() :]


def read_gitignore(path: Path) -> str:
    """Return the content of a .gitignore with its line endings; empty when there is none.

    :raises GroundupError: it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise GroundupError(f"{path} cannot be read: {error.strerror}", hint="check its rights") from error


def extend_gitignore(path: Path, entries: Iterable[str]) -> list[str]:
    """Add the missing ones of `entries` to the .gitignore at `path`, atomically, and return them.

    :raises GroundupError: it cannot be read or written.
    """
    text = read_gitignore(path)
    missing = missing_entries(text, entries)
    if missing:
        path = path.resolve()  # through a link, its target is replaced
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
        write_whole(path, with_entries(text, missing).encode("utf-8", "surrogateescape"), mode=mode)
    return missing
