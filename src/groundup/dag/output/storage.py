"""Where the files of a run can be written: in their folder, else in a temporary one, else nowhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Storage:
    """A folder that is given up for a temporary one as soon as something cannot be written there.

    :param say: is told, in one line, what becomes of the output then.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._folder: Path | None = folder
        self._temporary: Path | None = None

    def attempt(self, action: Callable[[Path], T]) -> T | None:
        """Return what `action` makes of the first folder where it raises no OSError; without any, None."""
        given_up: OSError | None = None
        while (folder := self._folder) is not None:
            try:
                result = action(folder)
            except OSError as error:
                given_up = error if self._leave(folder) else given_up
            else:
                self._report(given_up)
                return result
        self._report(given_up)
        return None

    def close(self) -> None:
        """Remove the temporary folder if nothing stays in it."""
        if self._temporary is not None:
            with suppress(OSError):
                self._temporary.rmdir()

    def _leave(self, folder: Path) -> bool:
        """Use another folder from now on; returns False when another thread saw to it before."""
        with self._lock:
            if self._folder != folder:
                return False
            self._folder = None if self._temporary else self._make_temporary()
            return True

    def _make_temporary(self) -> Path | None:
        import tempfile

        with suppress(OSError):
            self._temporary = Path(tempfile.mkdtemp(prefix="groundup-output-"))
        return self._temporary

    def _report(self, error: OSError | None) -> None:
        if error is not None:
            fate = f"goes to {self._folder}" if self._folder else "is not kept"
            self._say(f"groundup: the output of states {fate}: {error}")
