"""How managers on one PostgreSQL tell each other that there may be something to do."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
from collections.abc import Callable

import psycopg
from sqlalchemy import Engine

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5  # how soon a listener notices that it shall end
_PAUSE_SECONDS = 1.0  # between attempts to listen again


class Notices:
    """Notices of other managers on the same tables; its own are passed over.

    :param schema: where the tables are.
    """

    def __init__(self, engine: Engine, schema: str) -> None:
        self._engine = engine
        self._channel = f"groundup_{hashlib.sha256(schema.encode()).hexdigest()[:16]}"
        self._own = secrets.token_hex(8)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def announcement(self) -> str:
        """The statement that tells the others, when its transaction is committed."""
        return f"NOTIFY {self._channel}, '{self._own}'"

    def listen(self, on_notice: Callable[[], None]) -> None:
        """Call ``on_notice``, in a thread of its own, for each notice from now on."""
        self._thread = threading.Thread(
            target=self._listen, args=(on_notice,), name="groundup-notices", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no longer."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _listen(self, on_notice: Callable[[], None]) -> None:
        while not self._ended.is_set():
            try:
                self._listen_once(on_notice)
            except psycopg.Error as error:
                logger.warning("listening to other managers failed, trying again: %s", type(error).__name__)
                self._ended.wait(_PAUSE_SECONDS)

    def _listen_once(self, on_notice: Callable[[], None]) -> None:
        arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
        with psycopg.connect(*arguments, **options, autocommit=True) as connection:
            connection.execute(f"LISTEN {self._channel}".encode())
            on_notice()  # for what was missed
            while not self._ended.is_set():
                for notice in connection.notifies(timeout=_LOOK_SECONDS):
                    if notice.payload != self._own:
                        on_notice()
                    if self._ended.is_set():
                        return
