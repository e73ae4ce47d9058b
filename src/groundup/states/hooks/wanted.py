"""Hooks that a repository wants: each knows its place, and whether it is there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from groundup.states.hooks.managers import Manager
from groundup.states.hooks.record import Record

COPY = "copy"


@dataclass(frozen=True, slots=True)
class Copied:
    """A hook that is a copy of a file of the repository.

    :ivar place: where git looks for it.
    """

    place: Path
    source: Path

    def is_in_place(self, record: Record) -> bool:
        """Return whether it is there as it should be."""
        content = content_of(self.place)
        if content is None or content != self.source.read_bytes():
            return False
        return os.access(self.place, os.X_OK) and record.has(self.place, content, COPY)

    def made(self, content: bytes) -> bool:
        """Return whether `content` is what would be put there."""
        return content == self.source.read_bytes()

    @property
    def keeping(self) -> str:
        """How a person keeps what another hook in its place does."""
        return f"move it into {self.source}"


@dataclass(frozen=True, slots=True)
class Managed:
    """A hook that a manager writes.

    :ivar place: where git looks for it.
    """

    place: Path
    manager: Manager

    def is_in_place(self, record: Record) -> bool:
        """Return whether it is there as the manager wrote it."""
        content = content_of(self.place)
        return content is not None and record.has(self.place, content, self.manager.by)

    def made(self, content: bytes) -> bool:
        """Return whether `content` is a hook of this manager."""
        return self.manager.made(content)

    @property
    def keeping(self) -> str:
        """How a person keeps what another hook in its place does."""
        return f"let {self.manager.config} run it"


Wanted: TypeAlias = Copied | Managed


def content_of(path: Path) -> bytes | None:
    """Return the content of a hook; None where there is nothing, empty where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b"" if path.is_symlink() else None
    except OSError:
        return b""
