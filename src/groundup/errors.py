"""Errors that a person can act on.

::

    GroundupError            exit 1: something failed
    └── UserError            exit 2: what was asked for is wrong

Every other module derives its errors from these two. The command line prints ``error:`` with the message
and ``hint:`` with :attr:`GroundupError.hint`, and exits with :attr:`GroundupError.exit_code`.
"""

from __future__ import annotations


class GroundupError(Exception):
    """A failure with a message for a person.

    :param message: what is wrong and where (file, line, key).
    :param hint: what to do about it.
    :param exit_code: exit status of the process; defaults to the one of the class.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", exit_code: int | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code


class UserError(GroundupError):
    """Bad input: an option, a configuration value, a script, an identifier."""

    exit_code = 2
