"""Transactions: writers that group commits, readers beside them.

Every write is a function that gets a connection; it happens wholly or not at all, and its future is done
only when it is on disk. Writes that arrive while a commit is under way share the next one. Where several
processes write, a write that collided with another is done again: it must not have other effects.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from groundup.manager.errors import DatabaseError, RejectedError
from groundup.manager.store.address import backend_of
from groundup.manager.store.backend import Backend, Trouble
from groundup.manager.store.migrations import migrate

T = TypeVar("T")

_TROUBLES = (DBAPIError, NoConnectionError)  # what the database, or the way to it, is at fault for
_UNFIT = (DataError, OverflowError)  # what drivers raise for values that they cannot store
_MOST_ATTEMPTS = 20
_PATIENCE_SECONDS = 10.0  # for a database that restarts
_PAUSE_SECONDS = 0.1


@dataclass(slots=True, eq=False)
class _Write:
    work: Callable[[Connection], Any]
    announced: bool = False
    future: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None
    attempts: int = 0
    deadline: float = field(default_factory=lambda: time.monotonic() + _PATIENCE_SECONDS)

    def may_repeat(self, trouble: Trouble) -> bool:
        """Whether to do it again after ``trouble``."""
        if trouble is Trouble.LOST:
            return time.monotonic() < self.deadline
        return trouble is Trouble.AGAIN and self.attempts < _MOST_ATTEMPTS


class Database:
    """A SQLite or PostgreSQL database, its schema brought to the newest version.

    :param address: ``sqlite:///…``, ``postgresql://…``, or the path of a SQLite file, which is made when
        it is missing.
    :raises UserError: for another address.
    :raises DatabaseError: when it cannot be opened or was written by a newer version.
    """

    def __init__(self, address: Path | str) -> None:
        self._backend = backend_of(address)
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._closed = False
        self.on_rollback: Callable[[], None] = lambda: None
        with self._disposed_on_failure(), self._backend.engine.begin() as connection:
            migrate(connection)
            self._notices = self._backend.notices(connection) if self._backend.notices else None
        self._announcement = self._notices.announcement if self._notices else ""
        self._writers = [
            threading.Thread(target=self._write_groups, name=f"groundup-writer-{number}", daemon=True)
            for number in range(self._backend.writers)
        ]
        for writer in self._writers:
            writer.start()

    @property
    def name(self) -> str:
        """The database in messages, without a password."""
        return self._backend.name

    @property
    def writers(self) -> int:
        """How many transactions write at the same time."""
        return self._backend.writers

    def listen(self, on_notice: Callable[[], None]) -> None:
        """Call ``on_notice``, in another thread, when other processes announced a write."""
        if self._notices is not None:
            self._notices.listen(on_notice)

    def write(self, work: Callable[[Connection], T], *, announced: bool = False) -> Future[T]:
        """Run ``work`` in a transaction; the future holds its result once that is on disk.

        :param announced: whether other processes that share the database are told.
        """
        if self._closed:
            raise DatabaseError(f"the database {self.name} is closed")
        write = _Write(work, announced)
        self._queue.put(write)
        return write.future

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on a consistent snapshot; it must not write."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self._read_once(work)
            except _UNFIT as error:
                raise _unfit(error) from error
            except _TROUBLES as error:
                lost = self._backend.judge(error) is Trouble.LOST
                if not lost or time.monotonic() > deadline:
                    raise self._backend.error(error) from error
            time.sleep(_PAUSE_SECONDS)

    def close(self) -> None:
        """Finish the writes that are waiting and let go of the database."""
        if self._closed:
            return
        self._closed = True
        if self._notices is not None:
            self._notices.close()
        for _ in self._writers:
            self._queue.put(None)
        for writer in self._writers:
            writer.join()
        self._backend.engine.dispose()

    @contextmanager
    def _disposed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except _TROUBLES as error:
            self._backend.engine.dispose()
            raise self._backend.error(error) from error
        except BaseException:
            self._backend.engine.dispose()
            raise

    def _read_once(self, work: Callable[[Connection], T]) -> T:
        with self._backend.engine.connect().execution_options(**self._backend.reading) as connection:
            return work(connection)

    def _write_groups(self) -> None:
        last = False
        with _Kept(self._backend.engine) as kept:
            while not last:
                group, last = self._next_group()
                if group:
                    for write in self._write_group(group, kept):
                        self._write_alone(write, kept)

    def _next_group(self) -> tuple[list[_Write], bool]:
        group: list[_Write] = []
        item = self._queue.get()
        while item is not None:
            if item.future.set_running_or_notify_cancel():
                group.append(item)
            if len(group) == self._backend.group_limit or self._queue.empty():
                return group, False
            item = self._queue.get()
        return group, True

    def _write_alone(self, write: _Write, kept: _Kept) -> None:
        while self._write_group([write], kept):
            pass

    def _write_group(self, group: Sequence[_Write], kept: _Kept) -> Sequence[_Write]:
        """Carry out what is possible in one transaction; gives the writes to do again, each by itself."""
        committing = False
        try:
            connection = kept.connection
            with connection.begin() as transaction:
                again = _Group(self._backend, connection, group).perform()
                if self._announcement and any(write.announced for write in group):
                    connection.exec_driver_sql(self._announcement)
                committing = True
                transaction.commit()
        except BaseException as error:
            trouble = self._backend.judge(error)
            kept.mend(broken=isinstance(error, _TROUBLES) and trouble is not Trouble.AGAIN)
            self.on_rollback()
            return self._after_rollback(group, error, trouble, committing=committing)
        for write in group:
            if write not in again:
                self._settle(write)
        return again

    def _after_rollback(
        self, group: Sequence[_Write], error: BaseException, trouble: Trouble, *, committing: bool
    ) -> Sequence[_Write]:
        """What to do again of ``group``: nothing whose commit may have arrived."""
        again = [write for write in group if not committing and write.may_repeat(trouble)]
        for write in group:
            write.error = error if trouble in {Trouble.OWN, Trouble.AGAIN} else self._failure(error)
            if write not in again:
                self._settle(write)
        if again and trouble is Trouble.LOST:
            self._backend.engine.dispose()  # other connections of the pool are gone as well
            time.sleep(_PAUSE_SECONDS)
        return again

    def _failure(self, error: BaseException) -> BaseException:
        return self._backend.error(error) if isinstance(error, _TROUBLES) else error

    def _settle(self, write: _Write) -> None:
        if write.error is None:
            write.future.set_result(write.result)
        elif isinstance(write.error, _UNFIT):
            write.future.set_exception(_unfit(write.error))
        elif isinstance(write.error, OperationalError):
            write.future.set_exception(self._failure(write.error))
        else:
            write.future.set_exception(write.error)


class _Kept:
    """The connection of a writer, kept from one transaction to the next: to get one takes longer than some.

    What is refused is rolled back and leaves it as it was; after any other failure there is another one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            self._connection.detach()  # else a pool that is disposed of leaves it open for ever
        return self._connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def mend(self, *, broken: bool) -> None:
        """After a failure: let go of the connection where it is ``broken`` or still in a transaction."""
        connection = self._connection
        if connection is not None and (broken or connection.invalidated or connection.in_transaction()):
            self.close()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Group:
    """Writes that share a transaction."""

    def __init__(self, backend: Backend, connection: Connection, writes: Sequence[_Write]) -> None:
        self._backend = backend
        self._connection = connection
        self._writes = writes

    def perform(self) -> list[_Write]:
        """Run each; what one did is undone when it fails, while the rest stands. Gives those to do again.

        :raises Exception: when all are undone; a single write is not undone apart from its transaction.
        """
        if len(self._writes) == 1:
            self._run(self._writes[0])
            return []
        for statement in self._backend.group_setup:
            self._connection.exec_driver_sql(statement)
        return [write for write in self._writes if not self._perform(write)]

    def _run(self, write: _Write) -> None:
        write.attempts += 1
        write.error = None
        write.result = write.work(self._connection)

    def _perform(self, write: _Write) -> bool:
        try:
            self._connection.exec_driver_sql("SAVEPOINT single_write")
            self._run(write)
            self._connection.exec_driver_sql("RELEASE SAVEPOINT single_write")
        except Exception as error:
            trouble = self._backend.judge(error)
            if trouble in {Trouble.LOST, Trouble.FATAL}:
                raise
            self._connection.exec_driver_sql("ROLLBACK TO SAVEPOINT single_write")
            self._connection.exec_driver_sql("RELEASE SAVEPOINT single_write")
            write.error = error
            return not write.may_repeat(trouble)
        return True


def _unfit(error: BaseException) -> RejectedError:
    reason = " ".join(str(error.orig if isinstance(error, DataError) else error).split())
    return RejectedError(f"A value cannot be stored: {reason}", hint="leave out such characters and numbers")
