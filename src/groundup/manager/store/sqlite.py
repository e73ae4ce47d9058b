"""SQLite: one file, one writer, write-ahead log, every commit synchronised to disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import InterfaceError, OperationalError

from groundup.manager.store.backend import Backend, Trouble

_SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-32768",  # KiB
    "wal_autocheckpoint=8192",  # pages of 4 KiB: most are written again before they are moved
)


def backend(path: Path) -> Backend:
    """The database in the file ``path``, which is made when it is missing."""
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": 30},
        hide_parameters=True,  # errors are logged, and inputs are not
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        for pragma in _SETTINGS:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return Backend(
        name=str(path),
        engine=engine,
        judge=_judge,
        hint="check that its folder exists, is writable and has space left",
        reading={"read_only": True},
    )


def _judge(error: BaseException) -> Trouble:
    return Trouble.FATAL if isinstance(error, OperationalError | InterfaceError) else Trouble.OWN
