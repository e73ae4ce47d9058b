"""Commands that need more than the base of groundup say which extra has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from groundup.errors import UserError


@contextmanager
def needing(command: str, *extras: str) -> Iterator[None]:
    """Turn an import that fails for want of an extra into an error that names it.

    :raises UserError: something that is not part of groundup itself is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "groundup":
            raise
        wanted = f"groundup[{','.join(extras)}]"
        message = f"{command} needs {wanted}: {error.name} is not installed"
        hint = f"write {wanted} in the dependencies, or these extras in the projects of the configuration"
        raise UserError(message, hint=hint) from None
