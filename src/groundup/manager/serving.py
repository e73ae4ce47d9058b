"""A state manager as a process of its own: what `groundup serve` runs."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from groundup.manager import keys
from groundup.manager.api.app import LOCAL_ORIGINS, create_app
from groundup.manager.errors import ServeConfigurationError
from groundup.manager.operations.context import Context, Settings
from groundup.manager.ownership import beside, note_address, owned
from groundup.manager.secrets import SecretCipher
from groundup.manager.server import ServerThread, address_of, listen
from groundup.manager.service import ManagerService
from groundup.manager.store.address import sqlite_path
from groundup.manager.store.database import Database

logger = logging.getLogger(__name__)

API_KEY_VARIABLE = "STATE_MANAGER_SECRET"
SECRETS_KEY_VARIABLE = "SECRETS_ENCRYPTION_KEY"
OLD_KEYS_VARIABLE = "SECRETS_ENCRYPTION_KEYS_OLD"
ORIGINS_VARIABLE = "CORS_ORIGINS"

_SHORTEST_KEY = 16
_GARBAGE = 20_000  # objects between two searches; a batch makes thousands that are gone soon


@dataclass(frozen=True)
class Serving:
    """What to serve, and where.

    :param database: ``sqlite:///…``, ``postgresql://…``, or the path of a SQLite file.
    :param host: the address to listen on; what others reach needs keys of its own.
    :param port: 0 takes a free one.
    :param api_key: what requests must carry; None: one that is generated and kept beside a SQLite file.
    :param secrets_key: encrypts secrets of flows; None: as ``api_key``.
    :param old_secrets_keys: keys that secrets may have been encrypted with before.
    :param origins: where browsers may call from.
    :param metrics_port: where metrics for Prometheus are served; None: nowhere, 0: a free port.
    :param metrics_host: the address for them.
    """

    database: Path | str
    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str | None = None
    secrets_key: str | None = None
    old_secrets_keys: tuple[str, ...] = ()
    origins: tuple[str, ...] = LOCAL_ORIGINS
    settings: Settings = field(default_factory=Settings)
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"


def from_environment(variables: Mapping[str, str]) -> dict[str, object]:
    """The part of :class:`Serving` that variables give."""
    found: dict[str, object] = {
        "api_key": variables.get(API_KEY_VARIABLE) or None,
        "secrets_key": variables.get(SECRETS_KEY_VARIABLE) or None,
    }
    for name, variable in (("old_secrets_keys", OLD_KEYS_VARIABLE), ("origins", ORIGINS_VARIABLE)):
        if text := variables.get(variable):
            found[name] = tuple(word.strip() for word in text.split(",") if word.strip())
    return found


def serve(serving: Serving) -> None:
    """Serve until SIGTERM or Ctrl-C; then answer what is under way and write everything.

    :raises ServeConfigurationError: for keys that are missing or too weak for the address.
    :raises ManagerError: when the port is taken, or the database cannot be used.
    """
    with contextlib.ExitStack() as parts:
        listener = parts.enter_context(contextlib.closing(listen(serving.host, serving.port)))
        found = parts.enter_context(_keys(serving, local=_is_loopback(listener)))
        context = Context(SecretCipher(found.secrets_key, serving.old_secrets_keys), serving.settings)
        database = parts.enter_context(contextlib.closing(Database(serving.database)))
        service = ManagerService(database, context)
        service.check()
        _serve_metrics(serving, service, parts)
        server = ServerThread(create_app(service, found.api_key, origins=serving.origins), service, listener)
        with _ended_by_signals(server.ended):
            parts.callback(server.stop)
            server.start()
            gc.freeze()  # what is there by now stays, and need not be searched for garbage again and again
            gc.set_threshold(_GARBAGE)
            if (path := sqlite_path(serving.database)) is not None:
                note_address(path, address_of(listener))
            logger.info("state manager on %s, database %s", address_of(listener), database.name)
            server.wait()
            logger.info("state manager ends: answering what is under way")


def _serve_metrics(serving: Serving, service: ManagerService, parts: contextlib.ExitStack) -> None:
    if serving.metrics_port is None:
        return
    from groundup.manager.prometheus import PrometheusMetrics  # no manager needs it that is not asked

    counted = PrometheusMetrics(service.backlog)
    parts.enter_context(counted.served(serving.metrics_host, serving.metrics_port))
    service.metrics = counted


def _is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


@contextlib.contextmanager
def _keys(serving: Serving, *, local: bool) -> Iterator[keys.Keys]:
    """The keys to serve with; a SQLite database is owned meanwhile."""
    path = sqlite_path(serving.database)
    may_generate = local and path is not None
    for name, value in _given(serving).items():
        if value is None and not may_generate:
            raise ServeConfigurationError(f"{name} is not set", hint=_how_to_set(name))
    if not local:
        _check_strength(serving)
    if path is None:
        yield keys.Keys(serving.api_key or "", serving.secrets_key or "")
        return
    with owned(path):
        kept = keys.load_or_create(beside(path, "keys")) if None in _given(serving).values() else None
        yield _completed(serving, kept)


def _given(serving: Serving) -> dict[str, str | None]:
    return {API_KEY_VARIABLE: serving.api_key, SECRETS_KEY_VARIABLE: serving.secrets_key}


def _completed(serving: Serving, kept: keys.Keys | None) -> keys.Keys:
    generated = kept or keys.Keys("", "")
    return keys.Keys(serving.api_key or generated.api_key, serving.secrets_key or generated.secrets_key)


def _check_strength(serving: Serving) -> None:
    if len(serving.api_key or "") < _SHORTEST_KEY:
        raise ServeConfigurationError(
            f"{API_KEY_VARIABLE} is too short for {serving.host}, which others reach: "
            f"it needs at least {_SHORTEST_KEY} characters",
            hint=_how_to_set(API_KEY_VARIABLE),
        )


def _how_to_set(name: str) -> str:
    code = "import secrets; print(secrets.token_urlsafe(32))"
    if name == SECRETS_KEY_VARIABLE:
        code = "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"
    return f"set it to what this prints, and keep that: python3 -c '{code}'"


@contextlib.contextmanager
def _ended_by_signals(ended: threading.Event) -> Iterator[None]:
    """Set ``ended`` at SIGTERM and Ctrl-C; a second signal ends the process at once."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()
        for number in before:
            signal.signal(number, signal.SIG_DFL)

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
