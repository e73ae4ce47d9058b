"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from groundup.errors import GroundupError


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file under a temporary name beside `path` and rename it.

    :param mode: permissions of the new file.
    :raises GroundupError: it cannot be written; nothing is left behind.
    """
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(mode)
            Path(temporary).replace(path)
        except BaseException:  # also when it is interrupted: nothing is left behind
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise GroundupError(
            f"{path} cannot be written: {error.strerror}", hint="check the folder's rights and its free space"
        ) from error
