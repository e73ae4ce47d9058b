"""Artifacts: JSON files of values. Those that a step wrote are read as the work of somebody unknown."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from groundup.config.files import write_whole
from groundup.execution.languages.strict_json import dump, parse

MAX_BYTES = 64 * 2**20  # of one artifact


def read_artifact(path: Path) -> Any:
    """Return the value in a JSON file.

    :raises ValueError: it cannot be read, is larger than 64 MiB, or is not JSON; says which file.
    """
    try:
        return parse(_bytes(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_written(folder: int, name: str) -> bytes | None:
    """Return what a step wrote into the file `name` of its outputs; None when there is no such file.

    :param folder: a descriptor of the folder of outputs.
    :raises ValueError: it is no regular file (links are not followed), or larger than 64 MiB.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return _bytes(os.open(name, flags, dir_fd=folder))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{name} is no regular file that can be read: {error.strerror}") from error


def write_artifact(path: Path, value: Any) -> None:
    """Write a value as a JSON file, whole or not at all.

    :raises GroundupError: it cannot be written.
    """
    write_whole(path, dump(value))


def _bytes(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no regular file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    return content
