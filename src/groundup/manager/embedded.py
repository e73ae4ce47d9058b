"""A state manager inside this process: SQLite, HTTP on loopback, keys of its own."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from pathlib import Path
from types import TracebackType

import uvicorn
from filelock import FileLock, Timeout

from groundup.manager import keys
from groundup.manager.api.app import create_app
from groundup.manager.errors import DatabaseError, ManagerError, ManagerInUseError
from groundup.manager.operations.context import Context
from groundup.manager.secrets import SecretCipher
from groundup.manager.service import ManagerService
from groundup.manager.store.database import Database

logger = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_GRACE_SECONDS = 5


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
            self._lock(parts)
            stored = keys.load_or_create(self._beside("keys"))
            self._key = self._given_key or stored.api_key
            listener = parts.enter_context(contextlib.closing(_listen(self._port)))
            database = parts.enter_context(contextlib.closing(Database(self.database)))
            context = Context(SecretCipher(stored.secrets_key))
            server = _ServerThread(ManagerService(database, context), self._key, listener)
            parts.callback(server.stop)
            server.start()
            self._uri = f"http://{_LOOPBACK}:{listener.getsockname()[1]}"
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

    def _beside(self, suffix: str) -> Path:
        return self.database.with_name(f"{self.database.name}.{suffix}")

    def _lock(self, parts: contextlib.ExitStack) -> None:
        try:
            self.database.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._beside("lock"), timeout=0, thread_local=False)
            parts.enter_context(lock)
        except Timeout as error:
            raise ManagerInUseError(
                f"another process serves the state manager in {self.database}",
                hint="use that one by its URI and key, end it, or choose another database",
            ) from error
        except OSError as error:
            raise DatabaseError(f"the database {self.database} cannot be used: {error}") from error


def _listen(port: int) -> socket.socket:
    # with the protocol named, asyncio turns Nagle's algorithm off: 40 ms less for each answer
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise ManagerError(
            f"the state manager cannot listen on {_LOOPBACK}:{port}: {error.strerror}",
            hint="choose another port, or 0 for a free one",
        ) from error
    return listener


class _ServerThread(uvicorn.Server):
    """An HTTP server in a thread of its own, which tells when it answers."""

    def __init__(self, service: ManagerService, api_key: str, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(service, api_key),
                lifespan="on",
                log_config=None,
                access_log=False,
                ws="none",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._service = service
        self._listener = listener
        self._answering = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run_in_thread, name="groundup-manager", daemon=True)

    def start(self) -> None:
        """Start serving; returns when it answers."""
        self._thread.start()
        self._answering.wait()
        if not self.started:
            raise ManagerError("the state manager did not start") from self._failure

    def stop(self) -> None:
        """Finish what is under way, then end."""
        self.should_exit = True
        self._service.bell.close()
        self._thread.join()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As the server does, then tell."""
        await super().startup(sockets)
        self._answering.set()

    def _run_in_thread(self) -> None:
        try:
            self.run(sockets=[self._listener])
        except BaseException as error:
            self._failure = error
            if self.started:
                logger.exception("the state manager ended by itself")
        finally:
            self._answering.set()
