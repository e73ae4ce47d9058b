"""The state manager that is there by itself: one process serves it, the others of this repository join.

Beside the database stands ``<database>.address``, the URI of who served it last. A process that joined waits
for the end of the one that serves, and serves then, on the same port: so a URI stays what it is.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from groundup import proto_kernel
from groundup.config.files import write_whole
from groundup.errors import UserError
from groundup.nodes.wire import MANAGER_HEADER
from groundup.projects.home import data_folder

if TYPE_CHECKING:
    from groundup.manager import EmbeddedManager

logger = logging.getLogger(__name__)

_START_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
_STAND_BY_SECONDS = 0.5
_ANSWER_SECONDS = 5.0


def embedded_manager() -> SharedManager:
    """The manager of the repository whose environment this is; without one that of the user."""
    stamp = proto_kernel.read_stamp(sys.prefix)
    folder = data_folder() if stamp is None else Path(stamp.values["root"], ".groundup")
    return SharedManager(folder / "manager.db")


class SharedManager:
    """Serves the state manager of ``database``, or joins the process that does.

    :raises UserError: when the extra ``manager`` is missing.
    :raises ManagerInUseError: when another process has the database, but serves it to nobody.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self.uri = ""
        self.key = ""
        self._manager: EmbeddedManager | None = None
        self._left = threading.Event()
        self._standing_by: threading.Thread | None = None

    @property
    def serves(self) -> bool:
        """Whether this process serves it."""
        return self._manager is not None

    def __enter__(self) -> SharedManager:
        """Start or join."""
        try:
            from groundup.manager.errors import ManagerInUseError
        except ModuleNotFoundError as error:
            raise _missing(error) from None
        deadline = time.monotonic() + _START_SECONDS
        while not (self._serve() or self._join()):
            if time.monotonic() > deadline:
                raise ManagerInUseError(
                    f"another process uses the state manager's database {self.database}, but does not answer",
                    hint="use that one by its URI and key, or end it",
                )
            time.sleep(_PAUSE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go; another process that joined goes on serving."""
        self._left.set()
        if self._standing_by is not None:
            self._standing_by.join()
        if self._manager is not None:
            self._manager.close()

    @property
    def _address(self) -> Path:
        return self.database.with_name(f"{self.database.name}.address")

    def _last_uri(self) -> str:
        try:
            return self._address.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""

    def _serve(self) -> bool:
        """Serve, on the last port where that is free; false when another process does."""
        from groundup.manager.errors import ManagerError, ManagerInUseError

        last = urlsplit(self._last_uri()).port or 0
        try:
            self._start(last)
        except ManagerInUseError:
            return False
        except ManagerError:
            if not last:
                raise
            self._start(0)  # somebody else has the port now
        return True

    def _start(self, port: int) -> None:
        try:
            from groundup.manager import EmbeddedManager
        except ModuleNotFoundError as error:
            raise _missing(error) from None
        manager = EmbeddedManager(self.database, port=port)
        manager.start()
        self._manager, self.uri, self.key = manager, manager.uri, manager.key
        write_whole(self._address, f"{manager.uri}\n".encode())
        logger.info("serving the state manager of %s on %s", self.database, manager.uri)

    def _join(self) -> bool:
        """Join the process that serves; false when none answers yet."""
        from groundup.manager.keys import load_or_create

        uri = self._last_uri()
        keys = self.database.with_name(f"{self.database.name}.keys")
        if not uri or not keys.exists() or not _answers(uri):
            return False
        self.uri, self.key = uri, load_or_create(keys).api_key
        logger.info("joined the state manager of %s on %s", self.database, uri)
        self._standing_by = threading.Thread(target=self._stand_by, name="groundup-stand-by", daemon=True)
        self._standing_by.start()
        return True

    def _stand_by(self) -> None:
        """Serve when the process that does has ended."""
        from groundup.manager.errors import ManagerError

        port = urlsplit(self.uri).port or 0
        while not self._left.wait(_STAND_BY_SECONDS):
            with suppress(ManagerError):  # it still serves, or its port is not free yet
                self._start(port)
                return


def _answers(uri: str) -> bool:
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
            return MANAGER_HEADER in answer.headers  # another program may have the port now
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _missing(error: ModuleNotFoundError) -> UserError:
    return UserError(
        f"the embedded state manager needs groundup[manager]: {error.name} is not installed",
        hint="install it, or say where a state manager is: EXOSPHERE_STATE_MANAGER_URI, EXOSPHERE_API_KEY",
    )
