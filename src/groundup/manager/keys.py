"""Generated keys of an embedded manager, kept beside its database for its owner alone."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from groundup.manager.errors import DatabaseError
from groundup.manager.secrets import generate_key


@dataclass(frozen=True, slots=True)
class Keys:
    """The API key, and the one that encrypts secrets."""

    api_key: str
    secrets_key: str


def load_or_create(path: Path) -> Keys:
    """The keys in ``path``, generated when the file is missing; the caller holds the lock of the database.

    :raises DatabaseError: when the file is not what was written.
    """
    try:
        return Keys(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        keys = Keys(api_key=secrets.token_urlsafe(32), secrets_key=generate_key())
        _write(path, json.dumps(asdict(keys)))
        return keys
    except (OSError, ValueError, TypeError) as error:
        raise DatabaseError(
            f"the keys of the state manager in {path} cannot be read: {error}",
            hint="restore the file; without it the secrets of saved flows cannot be decrypted",
        ) from error


def _write(path: Path, text: str) -> None:
    """Write for the owner alone, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # made with mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
