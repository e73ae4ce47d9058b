"""One SQLite file that is only a cache: made when something is to be kept, given up when it is of no use.

Damaged, foreign or of another version: it is set aside and begun anew. Where it cannot be written, what was
to be kept is lost without a word; a full disk is said.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from groundup.dag.uptodate.errors import RecordsError

if TYPE_CHECKING:
    import sqlite3

APPLICATION = 0x67726E64  # "grnd"
VERSION = 2
WAIT_SECONDS = 30.0
_CHECKPOINT_PAGES = 4000  # each checkpoint waits for the disk
_REFUSED_BY_SYSTEM = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

Row: TypeAlias = tuple[Any, ...]
Statement: TypeAlias = tuple[str, Sequence[Row]]


class _Trouble(Enum):
    """What an error of SQLite means."""

    BUSY = "another process keeps it locked"
    REFUSED = "it may not be written"
    FAILED = "the disk is full, or broken"
    DAMAGED = "it is no use"


# Primary result codes of SQLite; all others are those of a damaged or foreign file.
_TROUBLES = {
    3: _Trouble.REFUSED,  # PERM
    5: _Trouble.BUSY,
    6: _Trouble.BUSY,  # LOCKED
    8: _Trouble.REFUSED,  # READONLY
    10: _Trouble.FAILED,  # IOERR
    13: _Trouble.FAILED,  # FULL
    14: _Trouble.REFUSED,  # CANTOPEN
}
_SHORT_READ = 522  # the file ends too early
_TABLES: dict[str, dict[str, str]] = {
    "states": {
        "name": "TEXT PRIMARY KEY",
        "key": "TEXT NOT NULL",
        "value": "TEXT",
        "result": "TEXT NOT NULL",
        "outputs": "TEXT NOT NULL",
        "lazies": "TEXT NOT NULL",
        "fingerprint": "TEXT NOT NULL",
        "ended": "INTEGER NOT NULL",
        "quick": "TEXT NOT NULL",
    },
    "files": {
        "name": "TEXT PRIMARY KEY",
        "mtime": "INTEGER NOT NULL",
        "ctime": "INTEGER NOT NULL",
        "size": "INTEGER NOT NULL",
        "inode": "INTEGER NOT NULL",
        "digest": "TEXT NOT NULL",
    },
}


def _query(table: str, columns: dict[str, str]) -> str:
    """Return the query for the rows of a table; a damaged one may have others than of the declared types."""
    types = {name: kind.partition(" ")[0].lower() for name, kind in columns.items()}
    checks = [
        f"typeof({name}) IN ('{kind}', '{'null' if columns[name] == 'TEXT' else kind}')"
        for name, kind in types.items()
    ]
    return f"SELECT {', '.join(columns)} FROM {table} WHERE {' AND '.join(checks)}"  # noqa: S608


ALL = {table: _query(table, columns) for table, columns in _TABLES.items()}
"""Queries for all rows of each table whose parts are of the declared types."""
PUT = {
    table: f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
    for table, columns in _TABLES.items()
}
"""Statements that put rows into each table, in the place of those of the same name."""


class Database:
    """The database at `path`, for several threads and processes.

    :param on_notice: is told, in a sentence, when it was begun anew.
    """

    def __init__(self, path: Path, on_notice: Callable[[str], None]) -> None:
        self._path = path
        self._on_notice = on_notice
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._is_refused = False

    def read(self, *queries: str, arguments: Row = ()) -> list[list[Row]]:
        """Return the rows of each query; none where there is no database, or none that can be read.

        :param arguments: of every query.
        :raises RecordsError: another process keeps it locked.
        """
        with self._lock:
            for _ in range(2):
                try:
                    return _rows(self._connected(), queries, arguments)
                except _errors() as error:
                    match self._trouble(error):
                        case _Trouble.BUSY:
                            raise self._failure(error) from error
                        case _Trouble.DAMAGED:
                            self._set_aside(error)
                        case _:
                            return self._read_only(queries, arguments)
            return _rows(None, queries, arguments)

    def write(self, *statements: Statement) -> None:
        """Execute statements, each with many rows of arguments, all or none of them.

        :raises RecordsError: they cannot be, though the folder may be written: the disk is full, or locked.
        """
        with self._lock:
            for is_last in (False, True):
                if self._is_refused:
                    return
                try:
                    self._transact(statements)
                    return
                except OSError as error:
                    self._give_up(error, error.errno in _REFUSED_BY_SYSTEM)
                except _errors() as error:
                    trouble = self._trouble(error)
                    if trouble is _Trouble.DAMAGED and not is_last:
                        self._set_aside(error)
                    else:
                        self._give_up(error, trouble is _Trouble.REFUSED)

    def close(self) -> None:
        """Close the connection; the next use opens another one."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _connected(self, *, make: bool = False) -> sqlite3.Connection | None:
        if self._connection is None:
            self._connection = self._opened(make)
        return self._connection

    def _opened(self, make: bool) -> sqlite3.Connection | None:
        if make:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        elif not self._path.exists():
            return None
        connection = _connect(str(self._path))
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            if _is_ours(connection):
                return connection
            if make:
                _create(connection)
                return connection
        except BaseException:  # also when it is interrupted: the file is not kept open
            connection.close()
            raise
        connection.close()
        return None

    def _transact(self, statements: Sequence[Statement]) -> None:
        connection = self._connected(make=True)
        if connection is None:
            return
        if sum(len(rows) for _, rows in statements) == 1:  # a transaction by itself
            for statement, rows in statements:
                for row in rows:
                    connection.execute(statement, row)
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in statements:
                connection.executemany(statement, rows)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _give_up(self, error: Exception, is_refused: bool) -> None:
        if not is_refused:
            raise self._failure(error) from error
        self._is_refused = True
        self.close()

    def _trouble(self, error: Exception) -> _Trouble:
        """Return what an error means; where the system would let us write, it is the file that does not."""
        code = getattr(error, "sqlite_errorcode", 0)
        trouble = _TROUBLES.get(code & 0xFF, _Trouble.DAMAGED)
        is_refused_by_file = trouble is _Trouble.REFUSED and self._is_writable()
        return _Trouble.DAMAGED if is_refused_by_file or code == _SHORT_READ else trouble

    def _is_writable(self) -> bool:
        places = [self._path.parent, *([self._path] if self._path.exists() else [])]
        return all(os.access(place, os.W_OK) for place in places)

    def _read_only(self, queries: Sequence[str], arguments: Row) -> list[list[Row]]:
        """Read where nothing can be written, not even what SQLite notes beside the file.

        What a process that was killed left beside it may say that something is not done: then nothing counts.
        """
        self.close()
        with suppress(OSError, *_errors()):
            if _size(f"{self._path}-wal"):
                return _rows(None, queries, arguments)
            with closing(_connect(f"file:{quote(str(self._path))}?mode=ro&immutable=1")) as connection:
                return _rows(connection if _is_ours(connection) else None, queries, arguments)
        return _rows(None, queries, arguments)

    def _set_aside(self, error: Exception) -> None:
        """Rename the database, unless another process was faster."""
        from filelock import FileLock

        self.close()
        aside = f"{self._path}.damaged"
        try:
            with FileLock(f"{self._path}.lock", timeout=WAIT_SECONDS, thread_local=False):
                if self._is_sound():
                    return
                for end in ("-wal", "-shm", ""):
                    with suppress(FileNotFoundError):
                        os.replace(f"{self._path}{end}", f"{aside}{end}")  # noqa: PTH105 - names, not paths
        except OSError:
            self._is_refused = True
            return
        self._on_notice(
            f"{self._path} is of no use ({error}): it is now {aside}, what it knew to be done is done again"
        )

    def _is_sound(self) -> bool:
        try:
            with closing(_connect(str(self._path))) as connection:
                _rows(connection if _is_ours(connection) else None, list(ALL.values()))
                connection.execute("BEGIN IMMEDIATE")  # a file may say that it is not to be written
                connection.execute(f"PRAGMA user_version = {VERSION}")
                connection.execute("ROLLBACK")
                return connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        except _errors():
            return False

    def _failure(self, error: Exception) -> RecordsError:
        return RecordsError(
            f"what is done cannot be kept in {self._path}: {error}",
            hint="free disk space, or remove the file: states then run again",
        )


def _rows(
    connection: sqlite3.Connection | None, queries: Sequence[str], arguments: Row = ()
) -> list[list[Row]]:
    """Return the rows of each query, all of one moment; none without a connection."""
    if connection is None:
        return [[] for _ in queries]
    if len(queries) == 1:
        return [connection.execute(queries[0], arguments).fetchall()]
    connection.execute("BEGIN")
    try:
        return [connection.execute(query, arguments).fetchall() for query in queries]
    finally:
        connection.execute("ROLLBACK")


def _errors() -> tuple[type[Exception], ...]:
    """Return what working with a database may raise: its messages may quote what is no text."""
    import sqlite3

    return sqlite3.Error, UnicodeDecodeError


def _connect(name: str) -> sqlite3.Connection:
    import sqlite3

    return sqlite3.connect(
        name,
        timeout=WAIT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=name.startswith("file:"),
    )


def _is_ours(connection: sqlite3.Connection) -> bool:
    """Return whether this is our database; False when it is empty.

    :raises sqlite3.DatabaseError: it is something else, or of another version.
    """
    import sqlite3

    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if (application, version) == (APPLICATION, VERSION):
        return True
    if connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone() is None and not application:
        return False
    raise sqlite3.DatabaseError(
        f"it is of version {version}" if application == APPLICATION else "it is another program's"
    )


def _create(connection: sqlite3.Connection) -> None:
    _use_log(connection)
    connection.execute("BEGIN IMMEDIATE")
    for table, columns in _TABLES.items():
        declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({declared}) WITHOUT ROWID")
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch to a write-ahead log; SQLite does not wait for others that do the same."""
    import sqlite3

    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if _TROUBLES.get(code) is not _Trouble.BUSY or time.monotonic() > end:
                raise
        time.sleep(0.01)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - a name, not a path
    except FileNotFoundError:
        return 0
