"""PostgreSQL: several managers share one database, each with a few connections that write.

Writes that share a transaction hold each other's locks, so within a group nobody waits for long: what cannot
get its lock is done again by itself, holding nothing else. So groups of several managers cannot block each
other, in whatever order they touch runs.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from groundup.manager.errors import ChangedMeanwhileError
from groundup.manager.store.backend import Backend, Trouble
from groundup.manager.store.notices import Notices

_WRITERS = 4
_READERS = 8
_CONNECT_SECONDS = 10
# A plan that was kept from when a table was nearly empty reads all of it when it is not.
_SETTINGS = ("plan_cache_mode = force_custom_plan",)
_IN_GROUP = ("SET LOCAL lock_timeout = '50ms'",)
_COLLISIONS = frozenset(
    {
        "40001",  # serialization failure
        "40P01",  # deadlock
        "55P03",  # lock not available
        "23503",  # what a row refers to went away meanwhile
        "23505",  # the same row was inserted meanwhile
    }
)
_LOST = frozenset({"57P01", "57P02", "57P03", "57P05"})  # shut down, crashed, starting up, idle for too long


def backend(url: URL) -> Backend:
    """The database at ``url``."""
    engine = _engine(url)

    def notices(connection: Connection) -> Notices:
        return Notices(engine, connection.exec_driver_sql("SELECT current_schema()").scalar_one())

    return Backend(
        name=url.render_as_string(hide_password=True),
        engine=engine,
        notices=notices,
        judge=_judge,
        hint="check that PostgreSQL runs there, and user, password and database in the address",
        writers=_WRITERS,
        group_limit=64,
        group_setup=_IN_GROUP,
        reading={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    )


def _engine(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=_READERS,  # writers keep one each
        max_overflow=2 * _READERS,
        hide_parameters=True,  # errors are logged, and inputs are not
        connect_args={"connect_timeout": _CONNECT_SECONDS, "application_name": "groundup"},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}")
        connection.commit()

    return engine


def _judge(error: BaseException) -> Trouble:
    if isinstance(error, ChangedMeanwhileError):
        return Trouble.AGAIN
    if isinstance(error, NoConnectionError):
        return Trouble.LOST
    if not isinstance(error, DBAPIError):
        return Trouble.OWN
    state = getattr(error.orig, "sqlstate", None)
    if error.connection_invalidated or state in _LOST or (state or "").startswith("08"):
        return Trouble.LOST
    if state is None and type(error.orig).__name__ == "OperationalError":
        return Trouble.LOST  # could not connect
    return Trouble.AGAIN if state in _COLLISIONS else Trouble.OWN
