"""A state manager inside this process: SQLite, HTTP on loopback, keys of its own."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType

from groundup.manager import keys
from groundup.manager.api.app import create_app
from groundup.manager.operations.context import Context
from groundup.manager.ownership import beside, owned
from groundup.manager.secrets import SecretCipher
from groundup.manager.server import ServerThread, address_of, listen
from groundup.manager.service import ManagerService
from groundup.manager.store.database import Database

_LOOPBACK = "127.0.0.1"


class EmbeddedManager:
    """A state manager on loopback for as long as the ``with`` block, served by a thread.

    :param database: the SQLite file; it and its folder are made when they are missing. Beside it are
        ``<database>.lock``, held meanwhile, and ``<database>.keys``, readable by the owner alone.
    :param port: the port on 127.0.0.1; 0 takes a free one.
    :param key: the API key; default: a generated one that stays the same for this database.

    >>> with EmbeddedManager(folder / "manager.db") as manager:  # doctest: +SKIP
    ...     runtime = Runtime("demo", "worker", [Hello], state_manager_uri=manager.uri, key=manager.key)

    :raises ManagerInUseError: when another manager serves this database.
    :raises DatabaseError: when the database cannot be used.
    """

    def __init__(self, database: Path | str, *, port: int = 0, key: str | None = None) -> None:
        self.database = Path(database).absolute()
        self._port = port
        self._given_key = key
        self._key = ""
        self._uri = ""
        self._parts = contextlib.ExitStack()

    @property
    def uri(self) -> str:
        """Where it answers, without a trailing slash; empty before the start."""
        return self._uri

    @property
    def key(self) -> str:
        """The API key; empty before the start."""
        return self._key

    def start(self) -> None:
        """Serve from now on; returns when it answers."""
        with contextlib.ExitStack() as parts:
            parts.enter_context(owned(self.database))
            stored = keys.load_or_create(beside(self.database, "keys"))
            self._key = self._given_key or stored.api_key
            listener = parts.enter_context(contextlib.closing(listen(_LOOPBACK, self._port)))
            database = parts.enter_context(contextlib.closing(Database(self.database)))
            service = ManagerService(database, Context(SecretCipher(stored.secrets_key)))
            service.check()
            server = ServerThread(create_app(service, self._key), service, listener)
            parts.callback(server.stop)
            server.start()
            self._uri = address_of(listener)
            self._parts = parts.pop_all()

    def close(self) -> None:
        """Answer what is under way, write everything, let go of database and port."""
        self._parts.close()
        self._uri = ""

    def __enter__(self) -> EmbeddedManager:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
