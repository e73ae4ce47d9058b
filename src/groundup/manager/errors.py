"""What the state manager refuses, and why.

::

    ManagerError              GroundupError
    ├── NotFoundError         404: no such node state, flow, node
    ├── RejectedError         400: not possible, or not possible now
    ├── ConflictError         409: done already
    ├── DatabaseError         the database cannot be used
    └── ManagerInUseError     another process owns the database
"""

from __future__ import annotations

from groundup.errors import GroundupError, UserError


class ManagerError(GroundupError):
    """Base of the errors of the state manager."""


class NotFoundError(ManagerError):
    """What was named does not exist in this namespace."""


class RejectedError(ManagerError):
    """The request cannot be carried out in the present state of things."""


class ConflictError(ManagerError):
    """The request was carried out before, or collides with something in progress."""


class DatabaseError(ManagerError):
    """The database cannot be opened, migrated or written."""


class ManagerInUseError(ManagerError):
    """Another process serves this database already."""


class SecretKeyError(UserError, ManagerError):
    """A key for the encryption of secrets is not what AES-256 needs."""
