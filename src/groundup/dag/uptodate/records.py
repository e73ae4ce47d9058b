"""What was done: one row for each state, shared by all processes that use the same folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from groundup.dag.uptodate.database import ALL, PUT, Database
from groundup.dag.uptodate.errors import RecordsError
from groundup.dag.uptodate.files import Row

UNFINISHED = ""  # as key: an evaluation began and did not end
FAILED = "failed"  # as key: the last evaluation failed
UNDONE = frozenset({UNFINISHED, FAILED})
_PUT_QUICK = "UPDATE states SET quick = ? WHERE name = ? AND key = ? AND outputs = ?"


class Record(NamedTuple):
    """What is kept of the last evaluation of a state, in the order of the columns of its table.

    :ivar name: of the state.
    :ivar key: of its fingerprint; one of :data:`UNDONE` since it began to be evaluated again.
    :ivar value: JSON text of its value; None when that could not be kept.
    :ivar result: digest of what it contributes to its children.
    :ivar outputs: JSON text: path → digest of what it made; empty when that is nothing.
    :ivar lazies: names of the lazy parents that it asked, a blank between them.
    :ivar fingerprint: text of the whole fingerprint, to tell what changed.
    :ivar ended: when that evaluation ended, in seconds since 1970.
    :ivar quick: evidence that all of this still holds; empty when there is none.
    """

    name: str
    key: str
    value: str | None
    result: str
    outputs: str
    lazies: str
    fingerprint: str
    ended: int = 0
    quick: str = ""


class Records:
    """The records at `path`, all of them read at first use; safe for several threads and processes.

    :param on_notice: is told, in a sentence, when they had to be begun anew.
    :ivar files: what is known of files, by name.
    """

    def __init__(self, path: Path, on_notice: Callable[[str], None]) -> None:
        self._database = Database(path, on_notice)
        self._lock = threading.Lock()
        self._rows: dict[str, Record] = {}
        self._is_loaded = False
        self._seen: dict[str, Record] = {}
        self.files: dict[str, Row] = {}

    def get(self, name: str) -> Record | None:
        """Return the record of a state, as it was when it was read or written here."""
        if not self._is_loaded:
            self._load()
        return self._rows.get(name)

    def refresh(self, name: str) -> Record | None:
        """Return the record of a state as it is now: another process may have written it."""
        (rows,) = self._database.read(f"{ALL['states']} AND name = ?", arguments=(name,))
        if rows:
            self._rows[name] = Record._make(rows[0])
        else:
            self._rows.pop(name, None)
        return self._rows.get(name)

    def begin(self, name: str) -> None:
        """Let the record of a state, if there is one, no longer say that it is done.

        :raises RecordsError: the disk is full.
        """
        record = self._rows.get(name)
        if record is not None and record.key != UNFINISHED:
            self._rows[name] = record._replace(key=UNFINISHED)
            self._database.write(("UPDATE states SET key = ? WHERE name = ?", [(UNFINISHED, name)]))

    def fail(self, name: str) -> None:
        """Let the record of a state say that it failed.

        :raises RecordsError: the disk is full.
        """
        record = self._rows.get(name) or Record(name, FAILED, None, "", "", "", "")
        self.put(record._replace(key=FAILED), ())

    def put(self, record: Record, files: Iterable[Row]) -> None:
        """Write a record, and what was learned of files.

        :raises RecordsError: the disk is full.
        """
        self._database.write((PUT["states"], [record]), (PUT["files"], _storable(files)))
        self._rows[record.name] = record

    def note_quick(self, record: Record, quick: str) -> None:
        """Note evidence for a record; it is written at the end, if the record then still is the same."""
        self._seen[record.name] = self._rows[record.name] = record._replace(quick=quick)

    def close(self, files: Iterable[Row] = ()) -> None:
        """Write evidence, and what was learned of files; close the database. The next use opens it again."""
        seen = [(each.quick, each.name, each.key, each.outputs) for each in self._seen.values()]
        storable = _storable(files) if self._rows else []
        try:
            if seen or storable:
                self._database.write((_PUT_QUICK, seen), (PUT["files"], storable))
        except RecordsError:  # it is only found out once more
            pass
        finally:
            self._seen.clear()
            self._database.close()
            self._is_loaded = False

    def _load(self) -> None:
        with self._lock:
            if not self._is_loaded:
                states, files = self._database.read(ALL["states"], ALL["files"])
                self._rows = {row[0]: Record._make(row) for row in states}
                self.files.update((row[0], row) for row in files)
                self._is_loaded = True


def _storable(files: Iterable[Row]) -> list[Row]:
    """Return the files whose names are text, which not all names of files are."""
    return [row for row in files if row[0].isascii() or _is_text(row[0])]


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False
