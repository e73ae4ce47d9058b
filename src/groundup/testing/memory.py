"""A state manager that keeps everything in memory: nothing is left when it ends."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType

from groundup.manager.api.app import create_app
from groundup.manager.errors import DatabaseError
from groundup.manager.operations.context import Context
from groundup.manager.secrets import SecretCipher, generate_key
from groundup.manager.server import ServerThread, address_of, listen
from groundup.manager.service import ManagerService
from groundup.manager.store.database import Database

_OLDEST_SQLITE = (3, 36)  # whose memory may be shared by connections that do not block one another


class InMemoryManager:
    """The real state manager for as long as the ``with`` block, with its data in memory.

    It answers on a free port of the loopback interface: :attr:`uri` and :attr:`key` are for ``Runtime`` and
    ``StateManager``. Several of them know nothing of each other.

    >>> with InMemoryManager() as manager:  # doctest: +SKIP
    ...     runtime = Runtime("demo", "worker", [Hello], manager.uri, manager.key)

    :raises DatabaseError: when the SQLite of this Python is too old.
    """

    def __init__(self) -> None:
        self._uri = ""
        self._key = ""
        self._parts = ExitStack()

    @property
    def uri(self) -> str:
        """Where it answers; empty before the start."""
        return self._uri

    @property
    def key(self) -> str:
        """The API key; empty before the start."""
        return self._key

    def __enter__(self) -> InMemoryManager:
        """Start."""
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise DatabaseError(
                f"SQLite {sqlite3.sqlite_version} cannot share a database in memory",
                hint="use an EmbeddedManager in a temporary folder",
            )
        with ExitStack() as parts:
            self._key = secrets.token_urlsafe(32)
            name = f"file:/groundup-{secrets.token_hex(8)}?vfs=memdb"
            parts.enter_context(closing(sqlite3.connect(name, uri=True)))  # with the last one the data go
            listener = parts.enter_context(closing(listen("127.0.0.1", 0)))
            database = parts.enter_context(closing(Database(Path(f"{name}&uri=true"))))
            service = ManagerService(database, Context(SecretCipher(generate_key())))
            server = ServerThread(create_app(service, self._key), service, listener)
            parts.callback(server.stop)
            server.start()
            self._uri = address_of(listener)
            self._parts = parts.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._parts.close()
        self._uri = ""
