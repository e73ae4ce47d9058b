"""What a kind of database has to say to :class:`~groundup.manager.store.database.Database`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from groundup.manager.errors import DatabaseError


class Notices(Protocol):
    """Notices of other processes."""

    @property
    def announcement(self) -> str:
        """The statement that tells the others, when its transaction is committed."""

    def listen(self, on_notice: Callable[[], None]) -> None:
        """Call ``on_notice``, in a thread of its own, for each notice from now on."""

    def close(self) -> None:
        """Listen no longer."""


class Trouble(Enum):
    """What an error within a transaction means."""

    OWN = "the write itself is at fault; others of its group stand"
    AGAIN = "something else came in between: the write may work by itself"
    LOST = "the connection is gone, and with it the transaction"
    FATAL = "the database has a problem, and so has the whole group"


@dataclass(frozen=True)
class Backend:
    """An engine and how it is used.

    :param name: the database in messages, without a password.
    :param writers: how many transactions write at the same time.
    :param group_limit: how many writes may share a transaction.
    :param group_setup: statements at the beginning of a transaction with several writes.
    :param judge: what an error means.
    :param reading: execution options of connections that only read.
    :param notices: how processes that share the database tell each other that something changed.
    :param hint: what to check when the database cannot be used.
    """

    name: str
    engine: Engine
    judge: Callable[[BaseException], Trouble]
    hint: str
    writers: int = 1
    group_limit: int = 128
    group_setup: tuple[str, ...] = ()
    notices: Callable[[Connection], Notices] | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)

    def error(self, error: BaseException) -> DatabaseError:
        """``error`` for people."""
        reason = error.orig if isinstance(error, DBAPIError) else error
        text = " ".join(str(reason).split())
        return DatabaseError(f"the database {self.name} cannot be used: {text}", hint=self.hint)
