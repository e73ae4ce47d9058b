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
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from groundup.dag.uptodate.errors import RecordsError

if TYPE_CHECKING:
    import sqlite3

APPLICATION = 0x67726E64  # "grnd"
VERSION = 1
WAIT_SECONDS = 30.0
_TABLES = {
    "states": "name TEXT PRIMARY KEY, key TEXT NOT NULL, value TEXT, result TEXT NOT NULL, "
    "outputs TEXT NOT NULL, lazies TEXT NOT NULL, fingerprint TEXT NOT NULL",
    "files": "name TEXT PRIMARY KEY, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, size INTEGER NOT NULL, "
    "inode INTEGER NOT NULL, digest TEXT NOT NULL",
}
# Primary result codes of SQLite: PERM, READONLY, CANTOPEN; BUSY, LOCKED; IOERR, FULL.
_REFUSED = frozenset({3, 8, 14})
_BUSY = frozenset({5, 6})
_FAILED = frozenset({10, 13})
_REFUSED_BY_SYSTEM = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

Statement: TypeAlias = tuple[str, Sequence[tuple[Any, ...]]]


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

    def read(self, query: str, arguments: tuple[Any, ...] = ()) -> list[Any]:
        """Return the rows of a query; none where there is no database, or none that can be read.

        :raises RecordsError: another process keeps it locked.
        """
        import sqlite3

        with self._lock:
            for _ in range(2):
                try:
                    connection = self._connected()
                    return connection.execute(query, arguments).fetchall() if connection else []
                except sqlite3.DatabaseError as error:
                    if _code(error) in _BUSY:
                        raise self._failure(error) from error
                    if _code(error) in _REFUSED | _FAILED:
                        return self._read_only(query, arguments)
                    self._set_aside(error)
            return []

    def write(self, *statements: Statement) -> None:
        """Execute statements, each with many rows of arguments, all or none of them.

        :raises RecordsError: they cannot be, though the folder may be written: the disk is full, or locked.
        """
        import sqlite3

        with self._lock:
            for is_last in (False, True):
                if self._is_refused:
                    return
                try:
                    self._transact(statements)
                    return
                except OSError as error:
                    self._give_up(error, error.errno in _REFUSED_BY_SYSTEM)
                except sqlite3.DatabaseError as error:
                    if is_last or _code(error) in _REFUSED | _FAILED | _BUSY:
                        self._give_up(error, _code(error) in _REFUSED)
                    else:
                        self._set_aside(error)

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
            if _is_ours(connection):
                return connection
            if make:
                _create(connection)
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        return None

    def _transact(self, statements: Sequence[Statement]) -> None:
        connection = self._connected(make=True)
        if connection is None:
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

    def _read_only(self, query: str, arguments: tuple[Any, ...]) -> list[Any]:
        """Read where nothing can be written, not even what SQLite notes beside the file.

        What a process that was killed left beside it may say that something is not done: then nothing counts.
        """
        import sqlite3

        self.close()
        with suppress(OSError, sqlite3.DatabaseError):
            if _size(f"{self._path}-wal"):
                return []
            with closing(_connect(f"file:{quote(str(self._path))}?mode=ro&immutable=1")) as connection:
                return connection.execute(query, arguments).fetchall() if _is_ours(connection) else []
        return []

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
        import sqlite3

        try:
            with closing(_connect(str(self._path))) as connection:
                for table in _TABLES if _is_ours(connection) else ():
                    connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - a constant
                return connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        except sqlite3.DatabaseError:
            return False

    def _failure(self, error: Exception) -> RecordsError:
        return RecordsError(
            f"what is done cannot be kept in {self._path}: {error}",
            hint="free disk space, or remove the file: states then run again",
        )


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
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns}) WITHOUT ROWID")
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
            if _code(error) not in _BUSY or time.monotonic() > end:
                raise
        time.sleep(0.01)


def _code(error: Exception) -> int:
    """Return the primary result code; 0 for what SQLite did not say."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - a name, not a path
    except FileNotFoundError:
        return 0
