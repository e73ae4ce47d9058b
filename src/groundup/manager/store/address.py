"""From the address of a database to the database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from groundup.manager.errors import DatabaseAddressError
from groundup.manager.store.backend import Backend

_HINT = (  # what stands before a host is hidden when it is shown
    "write sqlite:///folder/manager.db or postgresql://host:5432/database, user:password@ before the host"
)


def backend_of(address: Path | str) -> Backend:
    """The database at ``address``: a URL, or the path of a SQLite file.

    :raises DatabaseAddressError: for anything else.
    """
    path = sqlite_path(address)
    if path is not None:
        from groundup.manager.store import sqlite

        return sqlite.backend(path)
    from groundup.manager.store import postgresql

    return postgresql.backend(_url(str(address)))


def sqlite_path(address: Path | str) -> Path | None:
    """The file of a SQLite database; None for PostgreSQL.

    :raises DatabaseAddressError: for anything else.
    """
    if isinstance(address, Path) or "://" not in address:
        return Path(address)
    url = _url(address)
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise DatabaseAddressError(f"the address {address} names no file", hint=_HINT)
    return Path(url.database)


def _url(address: str) -> URL:
    scheme, _, rest = address.partition("://")
    try:
        url = make_url(f"postgresql://{rest}" if scheme == "postgres" else address)
    except (ArgumentError, ValueError) as error:
        raise DatabaseAddressError("the address of the database is malformed", hint=_HINT) from error
    if url.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise DatabaseAddressError(f"databases of the kind {url.drivername} are not supported", hint=_HINT)
    return url
