"""Digests of secrets: by a key that stays on this machine, so that nobody finds a secret by trying words."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path

from groundup.dag.uptodate.locks import locked
from groundup.dag.uptodate.text import DIGEST_LENGTH

KEY_SIZE = 32  # bytes


class Secrets:
    """Digests by the key in the file `path`, which is made at first use and only its owner may read.

    Where it cannot be made, each process has a key of its own: to the next one all secrets are others.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = b""
        self._lock = threading.Lock()

    def digest(self, text: str) -> str:
        """Return the digest of a secret: :data:`~groundup.dag.uptodate.text.DIGEST_LENGTH` digits."""
        with self._lock:
            self._key = self._key or self._kept() or self._agreed()
        content = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, key=self._key, digest_size=DIGEST_LENGTH // 2).hexdigest()

    def _kept(self) -> bytes:
        with suppress(OSError):
            key = self._path.read_bytes()
            return key if len(key) == KEY_SIZE else b""
        return b""

    def _agreed(self) -> bytes:
        """Return the key that the first of those who make one at the same time has made."""
        with locked(self._path.parent / "locks", self._path.name, lambda _: None):
            return self._kept() or self._made()

    def _made(self) -> bytes:
        key = os.urandom(KEY_SIZE)
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
                file.write(key)
            new.replace(self._path)
        return key
