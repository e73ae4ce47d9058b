"""A script as Python sees it: bytes, with a name for messages."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from tokenize import detect_encoding

from groundup.errors import UserError


@dataclass(frozen=True)
class Script:
    """Source code; `path` is absolute, None for code that is in no file."""

    content: bytes
    path: Path | None = None

    @property
    def name(self) -> str:
        """The file, or ``<script>``: what messages call it."""
        return "<script>" if self.path is None else str(self.path)

    def text(self) -> str:
        """Return the source as Python decodes it (BOM, encoding line), with ``\\n`` as line ends.

        Raises UserError when the encoding is unknown or does not fit.
        """
        try:
            encoding, _ = detect_encoding(io.BytesIO(self.content).readline)
            text = self.content.decode(encoding)
        except (SyntaxError, LookupError, UnicodeError) as error:
            raise UserError(
                f"{self.name}: cannot be decoded: {error}",
                hint="save it as UTF-8, or name its encoding in the first line: # -*- coding: … -*-",
            ) from error
        return text.replace("\r\n", "\n").replace("\r", "\n")


def read_script(script: str | os.PathLike[str] | bytes) -> Script:
    """Return the script in a file, or the source code itself when it is given as bytes.

    What comes through a pipe or a descriptor of this process, such as ``/dev/stdin``, is in no file: nobody
    can read it again. Raises UserError when the file cannot be read.
    """
    if isinstance(script, bytes):
        return Script(script)
    path = Path(script)
    try:
        path = path.absolute()
        return Script(path.read_bytes(), path if _stays(path) else None)
    except OSError as error:
        raise UserError(
            f"cannot read the script {path}: {error.strerror}",
            hint="give the path of a file, or source code as bytes",
        ) from error


def _stays(path: Path) -> bool:
    """Return whether others find the same there."""
    return path.is_file() and path.parts[1] not in ("dev", "proc")
