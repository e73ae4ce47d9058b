"""Transactions: one writer thread that groups commits, readers beside it.

Every write is a function that gets a connection; it happens wholly or not at all, and its future is done
only when it is on disk. Writes that arrive while a commit is under way share the next one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from groundup.manager.errors import DatabaseError
from groundup.manager.store.migrations import migrate

T = TypeVar("T")

_GROUP_LIMIT = 128


@dataclass(slots=True)
class _Write:
    work: Callable[[Connection], Any]
    future: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None


class Database:
    """A SQLite database with write-ahead log, every commit synchronised to disk.

    :param path: the file; made when it is missing.
    :raises DatabaseError: when it cannot be opened or was written by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _sqlite_engine(path)
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._closed = False
        self.on_rollback: Callable[[], None] = lambda: None
        try:
            with self._engine.begin() as connection:
                migrate(connection)
        except DBAPIError as error:
            self._engine.dispose()
            raise _database_error(path, error) from error
        except BaseException:
            self._engine.dispose()
            raise
        self._writer = threading.Thread(target=self._write_groups, name="groundup-writer", daemon=True)
        self._writer.start()

    def write(self, work: Callable[[Connection], T]) -> Future[T]:
        """Run ``work`` in a transaction; the future holds its result once that is on disk."""
        if self._closed:
            raise DatabaseError(f"the database {self.path} is closed")
        write = _Write(work)
        self._queue.put(write)
        return write.future

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on a consistent snapshot; it must not write."""
        try:
            with self._engine.connect().execution_options(read_only=True) as connection:
                return work(connection)
        except DBAPIError as error:
            raise _database_error(self.path, error) from error

    def close(self) -> None:
        """Finish the writes that are waiting and let go of the file."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._writer.join()
        self._engine.dispose()

    def _write_groups(self) -> None:
        while True:
            group, last = self._next_group()
            if group:
                self._write_group(group)
            if last:
                return

    def _next_group(self) -> tuple[list[_Write], bool]:
        group: list[_Write] = []
        item = self._queue.get()
        while item is not None:
            if item.future.set_running_or_notify_cancel():
                group.append(item)
            if len(group) == _GROUP_LIMIT or self._queue.empty():
                return group, False
            item = self._queue.get()
        return group, True

    def _write_group(self, group: list[_Write]) -> None:
        try:
            with self._engine.begin() as connection:
                for write in group:
                    _perform(connection, write)
        except BaseException as error:
            self.on_rollback()
            failure = _database_error(self.path, error) if isinstance(error, DBAPIError) else error
            for write in group:
                write.future.set_exception(failure)
            return
        for write in group:
            if write.error is None:
                write.future.set_result(write.result)
            else:
                write.future.set_exception(write.error)


def _perform(connection: Connection, write: _Write) -> None:
    """Run one write; what it did is undone when it fails, while the rest of the group stands."""
    try:
        connection.exec_driver_sql("SAVEPOINT single_write")
        write.result = write.work(connection)
        connection.exec_driver_sql("RELEASE single_write")
    except (OperationalError, InterfaceError):
        raise  # the database itself has a problem, and so has the whole group
    except Exception as error:
        connection.exec_driver_sql("ROLLBACK TO single_write")
        connection.exec_driver_sql("RELEASE single_write")
        write.error = error


def _database_error(path: Path, error: BaseException) -> DatabaseError:
    reason = error.orig if isinstance(error, DBAPIError) else error
    return DatabaseError(
        f"the database {path} cannot be used: {reason}",
        hint="check that its folder exists, is writable and has space left",
    )


def _sqlite_engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
