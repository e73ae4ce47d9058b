"""Digests of files: contents are read only where the stat has changed."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from groundup.dag.uptodate.text import DIGEST_LENGTH

FOLDER = "folder"
RACY_NS = 2_000_000_000  # a change so soon after another may leave the times as they were
_CHUNK = 1 << 20
_SIGNED = (1 << 63) - 1  # what a database keeps of a number
_MAGIC = re.compile(r"[*?[]")
# What others keep in folders and change while they look at them.
_PASSED_OVER = frozenset({".git", ".groundup", "__pycache__"})

Stamp: TypeAlias = tuple[int, int, int, int]
"""mtime_ns, ctime_ns, size and inode of a file."""
Row: TypeAlias = tuple[str, int, int, int, int, str]
"""Name, mtime_ns, ctime_ns, size and inode of a file, and the digest that it then had."""


class Files:
    """Digests of the files under `root`, by names relative to it.

    :param known: rows by name, from earlier runs; new ones are added.
    :param own: a folder that holds none of the files.
    """

    def __init__(self, root: Path, known: dict[str, Row], own: Path) -> None:
        self._prefix = str(root) + os.sep
        self._known = known
        self._new: list[Row] = []
        self._own = str(own)

    def digest(self, name: str) -> str | None:
        """Return the digest of a file; :data:`FOLDER` for a folder, None when nothing is there.

        It covers content and executable bit. A link counts as what it leads to, or else by its text.

        :raises OSError: it is there and cannot be read.
        """
        path = self._path(name)
        try:
            found = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
        except (FileNotFoundError, NotADirectoryError):
            return _link(path)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return _link(path)
            raise
        known = self._known.get(name)
        if known is not None and known[1:5] == _signature(found):
            return known[5]
        return self._measured(name, path, found)

    def stamp(self, name: str) -> Stamp | None:
        """Return mtime_ns, ctime_ns, size and inode of what a path leads to; None when that is nothing."""
        try:
            return _signature(os.stat(self._path(name)))  # noqa: PTH116
        except OSError:
            return None

    def stamp_of(self, name: str, digest: str | None) -> Stamp | None:
        """Return the stamp that a file had with a digest; None where that is not known, and for patterns."""
        known = self._known.get(name)
        return known[1:5] if known is not None and known[5] == digest and not _MAGIC.search(name) else None

    def digests(self, patterns: Iterable[str]) -> dict[str, str]:
        """Return the digests of what `patterns` name: paths, folders with all files in them, globs of files.

        In folders and behind ``**``, version control's, Python's and groundup's own folders are passed over.

        :raises OSError: a file or folder is there and cannot be read.
        """
        found: dict[str, str] = {}
        for pattern in patterns:
            if _MAGIC.search(pattern):
                self._add(found, self._glob("", pattern.split("/")))
                continue
            digest = self.digest(pattern)
            if digest == FOLDER:
                found[pattern.rstrip("/") + "/"] = FOLDER
                self._add(found, self._glob(_as_folder(pattern), ["**"]))
            elif digest is not None:
                found[pattern] = digest
        return found

    def matches(self, pattern: str) -> bool:
        """Return whether `pattern` names anything that is there; no content is read.

        :raises OSError: a folder is there and cannot be read.
        """
        if not _MAGIC.search(pattern):
            return os.path.lexists(self._path(pattern))
        paths = map(self._path, self._glob("", pattern.split("/")))
        return any(os.path.lexists(path) and not os.path.isdir(path) for path in paths)  # noqa: PTH112

    def is_literal_and_absent(self, pattern: str) -> bool:
        """Return whether `pattern` is a path, and nothing is there.

        :raises OSError: it cannot be looked at.
        """
        return not _MAGIC.search(pattern) and self.digest(pattern) is None

    def take_new(self, at_least: int = 1) -> list[Row]:
        """Return the rows that were added and not taken yet, to be kept for later runs; few are left."""
        new: list[Row] = []
        if len(self._new) < at_least:
            return new
        while self._new:
            new.append(self._new.pop())
        return new

    def _path(self, name: str) -> str:
        return name if os.path.isabs(name) else self._prefix + name  # noqa: PTH117

    def _add(self, found: dict[str, str], names: Iterable[str]) -> None:
        for name in names:
            digest = self.digest(name)
            if digest is not None and digest != FOLDER:
                found[name] = digest

    def _measured(self, name: str, path: str, found: os.stat_result) -> str | None:
        if stat.S_ISDIR(found.st_mode):
            return FOLDER
        if not stat.S_ISREG(found.st_mode):  # to open a pipe or a device would wait or do something
            return f"special file {stat.S_IFMT(found.st_mode):o}"
        try:
            return self._hashed(name, path)
        except FileNotFoundError:  # it vanished meanwhile
            return None
        except OSError as error:
            error.filename = path  # reading does not say it
            raise

    def _hashed(self, name: str, path: str) -> str:
        began = time.time_ns()
        content = hashlib.blake2b(digest_size=DIGEST_LENGTH // 2)
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            before = os.fstat(file.fileno())
            while chunk := file.read(_CHUNK):
                content.update(chunk)
            after = os.fstat(file.fileno())
        digest = content.hexdigest() + (" executable" if before.st_mode & stat.S_IXUSR else "")
        settled = began - max(before.st_mtime_ns, before.st_ctime_ns) > RACY_NS
        if settled and _signature(before) == _signature(after):
            row = (name, *_signature(before), digest)
            self._known[name] = row
            self._new.append(row)
        return digest

    def _glob(self, folder: str, pattern: list[str]) -> Iterator[str]:
        """Yield the names that match the parts of `pattern`, under a `folder` that is empty or ends in /."""
        part, rest = pattern[0], pattern[1:]
        if part == "**":
            for each in self._folders(folder):
                yield from self._glob(each, rest or ["*"])
        elif _MAGIC.search(part):
            matches = _compiled(part).match
            for entry in self._entries(folder):
                if matches(entry.name):
                    yield from self._descended(f"{folder}{entry.name}", rest)
        else:
            yield from self._descended(f"{folder}{part}", rest)

    def _descended(self, name: str, rest: list[str]) -> Iterator[str]:
        if rest:
            yield from self._glob(f"{name}/", rest)
        else:
            yield name

    def _folders(self, folder: str) -> Iterator[str]:
        """Yield `folder` and all folders in it, links to folders included, but none inside of itself."""
        open_: list[tuple[str, frozenset[tuple[int, int]]]] = [(folder, frozenset())]
        while open_:
            name, above = open_.pop()
            with suppress(FileNotFoundError, NotADirectoryError):
                here = os.stat(self._path(name))  # noqa: PTH116
                if (here.st_dev, here.st_ino) in above:
                    continue
                yield name
                inside = above | {(here.st_dev, here.st_ino)}
                open_ += [
                    (f"{name}{entry.name}/", inside) for entry in self._entries(name) if self._is_in(entry)
                ]

    def _is_in(self, entry: os.DirEntry[str]) -> bool:
        with suppress(OSError):  # a link that leads nowhere, or in a circle
            return entry.is_dir() and entry.name not in _PASSED_OVER and entry.path != self._own
        return False

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._path(folder)) as entries:
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return []


def _signature(found: os.stat_result) -> Stamp:
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino & _SIGNED


def _link(path: str) -> str | None:
    """Return what stands for a link that leads nowhere; None when there is no link either."""
    try:
        return f"link to {os.readlink(path)}"  # noqa: PTH115
    except OSError:
        return None


def _as_folder(pattern: str) -> str:
    """Return the name of a folder as the names in it begin."""
    name = pattern.rstrip("/")
    if not name:
        return "/" if pattern else ""
    return "" if name == "." else f"{name}/"


@lru_cache(maxsize=256)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(translate(part))
