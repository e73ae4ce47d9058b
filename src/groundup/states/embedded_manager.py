"""The state manager that is there by itself: one process serves it, the others of this repository join.

Beside the database stands ``<database>.address``, the URI of who served it last, ``groundup serve`` included.
A process that joined waits for the end of the one that serves, and serves then, on the same port: so a URI
stays what it is. It does not where the other was given its keys: those are not this one's to serve with.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Container
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from groundup import proto_kernel
from groundup.errors import UserError
from groundup.nodes.wire import API_KEY_HEADER, MANAGER_HEADER
from groundup.projects.home import data_folder

if TYPE_CHECKING:
    from groundup.manager import EmbeddedManager

logger = logging.getLogger(__name__)

API_KEY_VARIABLE = "STATE_MANAGER_SECRET"  # of who serves

_START_SECONDS = 30.0
_REFUSED_SECONDS = 3.0  # an address may be an old one, at which another manager answers now
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

    :raises UserError: when the extra ``manager`` is missing, or the manager has a key that is not known here.
    :raises ManagerInUseError: when another process has the database, but serves it to nobody.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self.uri = ""
        self.key = ""
        self._manager: EmbeddedManager | None = None
        self._refusing = ""
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
        began = time.monotonic()
        while not (self._join() or self._serve()):  # to join costs less
            waited = time.monotonic() - began
            if self._refusing and waited > _REFUSED_SECONDS:
                raise _refused(self._refusing)
            if waited > _START_SECONDS:
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
            from groundup.manager.ownership import note_address
        except ModuleNotFoundError as error:
            raise _missing(error) from None
        manager = EmbeddedManager(self.database, port=port)
        manager.start()
        self._manager, self.uri, self.key = manager, manager.uri, manager.key
        note_address(self.database, manager.uri)
        logger.info("serving the state manager of %s on %s", self.database, manager.uri)

    def _join(self) -> bool:
        """Join the process that serves; false when none answers yet."""
        uri = self._last_uri()
        if not uri or not _answers(uri):
            return False
        kept, given = self._kept_key(), _given_key()
        key = next((key for key in (kept, given) if key and _opens(uri, key)), "")
        self._refusing = "" if key else uri
        if not key:
            return False
        self.uri, self.key = uri, key
        logger.info("joined the state manager of %s on %s", self.database, uri)
        if key == kept:
            self._standing_by = threading.Thread(target=self._stand_by, name="groundup-stand-by", daemon=True)
            self._standing_by.start()
        return True

    def _kept_key(self) -> str:
        from groundup.manager.keys import load_or_create

        keys = self.database.with_name(f"{self.database.name}.keys")
        return load_or_create(keys).api_key if keys.exists() else ""

    def _stand_by(self) -> None:
        """Serve when the process that does has ended."""
        from groundup.manager.errors import ManagerError

        port = urlsplit(self.uri).port or 0
        while not self._left.wait(_STAND_BY_SECONDS):
            with suppress(ManagerError):  # it still serves, or its port is not free yet
                self._start(port)
                return


def _given_key() -> str:
    from groundup.nodes.variables import variables

    return variables().get(API_KEY_VARIABLE, "")


def _answers(uri: str) -> bool:
    return MANAGER_HEADER in _headers(f"{uri}/health")  # another program may have the port now


def _opens(uri: str, key: str) -> bool:
    return MANAGER_HEADER in _headers(f"{uri}/v0/namespaces", key)


def _headers(url: str, key: str = "") -> Container[str]:
    """The headers of a good answer; empty when there is none."""
    request = urllib.request.Request(url, headers={API_KEY_HEADER: key})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
            headers: Container[str] = answer.headers
            return headers
    except (urllib.error.URLError, OSError, ValueError):
        return ()


def _refused(uri: str) -> UserError:
    return UserError(
        f"the state manager on {uri} was started with a key of its own, which is not known here",
        hint=f"set EXOSPHERE_STATE_MANAGER_URI={uri} and its key as EXOSPHERE_API_KEY",
    )


def _missing(error: ModuleNotFoundError) -> UserError:
    return UserError(
        f"the embedded state manager needs groundup[manager]: {error.name} is not installed",
        hint="install it, or say where a state manager is: EXOSPHERE_STATE_MANAGER_URI, EXOSPHERE_API_KEY",
    )
