"""What errors of the manager are over HTTP."""

from __future__ import annotations

import logging

from groundup.manager.errors import (
    ConflictError,
    DatabaseError,
    ManagerError,
    NotFoundError,
    RejectedError,
)

logger = logging.getLogger(__name__)

STATUSES: dict[type[ManagerError], int] = {
    NotFoundError: 404,
    RejectedError: 400,
    ConflictError: 409,
    DatabaseError: 503,
}


def status_of(error: ManagerError) -> tuple[int, str]:
    """Status and detail of the answer to what failed with ``error``.

    :raises ManagerError: ``error`` itself, when nobody outside can do anything about it.
    """
    if isinstance(error, DatabaseError):
        logger.error("%s", error)  # what a database says may hold what others stored
        return STATUSES[DatabaseError], "The database cannot be used now"
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return status, str(error)
    raise error
