"""What the state manager refuses, and why.

::

    ManagerError              GroundupError
    ├── NotFoundError         404: no such node state, flow, node
    ├── RejectedError         400: not possible, or not possible now
    ├── ConflictError         409: done already
    │   └── ChangedMeanwhileError     another transition came first
    ├── DatabaseError         503: the database cannot be used
    ├── DatabaseAddressError  its address is wrong
    ├── ManagerInUseError     another process owns the database
    ├── SecretKeyError        a key for secrets is malformed
    └── ServeConfigurationError   the manager cannot be served as configured
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


class ChangedMeanwhileError(ConflictError):
    """Another transition of the same node state came first."""


class DatabaseAddressError(UserError, ManagerError):
    """The address of a database is none that can be used."""


class DatabaseError(ManagerError):
    """The database cannot be opened, migrated or written."""


class ManagerInUseError(ManagerError):
    """Another process serves this database already."""


class ServeConfigurationError(UserError, ManagerError):
    """The state manager cannot be served as it is configured."""


class SecretKeyError(UserError, ManagerError):
    """A key for the encryption of secrets is not what AES-256 needs."""
