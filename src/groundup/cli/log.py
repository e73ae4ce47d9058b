"""Log files for what nobody expected: ready to be attached to a report."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs

from groundup import __version__, proto_kernel


def write_log(*errors: BaseException) -> Path:
    """Write versions, platform, command and tracebacks to a new file, secrets masked, and return its path."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    text = proto_kernel.mask(_text(errors))
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError:
            continue
        return folder / name
    raise errors[0]


def _folders() -> Iterator[Path]:
    stamp = proto_kernel.read_stamp(sys.prefix)
    if stamp:
        yield Path(stamp.values["root"], ".groundup", "logs")
    yield platformdirs.user_log_path("groundup")
    yield Path(tempfile.gettempdir())


def _text(errors: Sequence[BaseException]) -> str:
    tracebacks = ("".join(traceback.format_exception(error)) for error in errors)
    return (
        f"groundup {__version__}\n"
        f"python {sys.version} at {sys.executable}\n"
        f"platform {platform.platform()}\n"
        f"command {' '.join(sys.argv)}\n"
        f"folder {_folder()}\n\n"
        f"{chr(10).join(tracebacks)}"
    )


def _folder() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return "that was removed"
